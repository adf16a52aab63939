// Which test files run again where something else is under them than a plain Node. The whole suite runs once, in `npm test`.

const test = (...names) => names.map((name) => `build/test/${name}`);

/** Files that load native code with everything it takes: valid, hostile, in threads, to the end of a worker. For sanitizers. */
export const NATIVE = test(
  'bulk/{external-signer,fault,response-signer}.test.js',
  'bulk/store/find.test.js',
  'ocsp/{algorithms,bad-arguments,bad-serials-and-keys,hashless-keys,malformed,memory,printing,recorded-verdicts}.test.js',
  'ocsp/{request-builder,request-parts,request,response-builder,response-builder-refusals,response}.test.js',
  'ocsp/{roundtrip,worker-threads}.test.js',
  'parity/*.test.js',
  'verification/*.test.js',
  'x509/{der,pkcs12,stored-key}.test.js',
);

/** Files whose outcome depends on the OpenSSL underneath. For an addon that carries its own, and for each Node line. */
export const OPENSSL = test(
  'bulk/{external-signer,response-signer}.test.js',
  'cli/keys.test.js',
  'ocsp/{algorithms,hashless-keys,memory,ml-dsa,recorded-verdicts,request-builder,response-builder}.test.js',
  'ocsp/{response-builder-refusals,roundtrip,worker-threads}.test.js',
  'packaging/{binary,cmake}.test.js',
  'parity/*.test.js',
  'verification/{authorization-matrix,crippled-openssl,known-bugs,openssl-manifest,path-options,policies}.test.js',
  'verification/{receivers,remembered-algorithms,signed-requests,text,threads,verdict}.test.js',
  'x509/{algorithms,pkcs12,stored-key}.test.js',
);

/** With those whose outcome depends on the binary interface or on Node's own behaviour. For each Node line. */
export const HOST = [
  ...OPENSSL,
  ...test(
    'bulk/bulk-sign.test.js',
    'cli/main.test.js',
    'client/{check,dns,frameworks,guard,peer,proxy,stapler,stapling-interop}.test.js',
    'packaging/load-guard.test.js',
    'responder/{http,responder,reuse-port,store}.test.js',
    'testing/{response-kit,test-ca,test-responder}.test.js',
  ),
];
