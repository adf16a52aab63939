#!/usr/bin/env node
/**
 * The `openssl-ocsp` command as npm links it. What `inspect` needs is in one file, written by the build: the message is shown in less
 * time than it takes to find and link fifty modules. It is a whole of its own, and shares no module with what the others load.
 */
if (process.argv[2] === 'inspect') require('./inspect.cjs');
else void import('./main.js');
