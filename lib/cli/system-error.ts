/** Failures of files in this package's own words. */
import { writeFileSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';

/** Where the C library's words are for programmers, or about something else. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOSPC: 'no space left on the device',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
  ESPIPE: 'it is a pipe',
};

/** What a system call is for; others, such as those of networks, keep Node's message. */
const PURPOSES: Readonly<Record<string, string>> = {
  open: 'open',
  read: 'read',
  stat: 'read',
  lstat: 'read',
  fstat: 'read',
  scandir: 'read',
  opendir: 'read',
  write: 'write',
  fsync: 'write',
  ftruncate: 'write',
  rename: 'write',
  link: 'write',
  unlink: 'remove',
  rmdir: 'remove',
  mkdir: 'make',
};

/** The message of an error. Of a file that could not be read or written it tells which one, and why. */
export function messageOf(error: unknown): string {
  const { syscall = '', path, message } = error as NodeJS.ErrnoException;
  const purpose = Object.hasOwn(PURPOSES, syscall) ? PURPOSES[syscall] : undefined;
  if (purpose === undefined) return message;
  return `cannot ${purpose}${path === undefined ? '' : ` ${path}`}: ${reasonOf(error as NodeJS.ErrnoException)}`;
}

function reasonOf({ code = '', errno = 0, syscall, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT' && (syscall === 'scandir' || syscall === 'opendir')) return 'no such folder';
  return REASONS[code] ?? getSystemErrorMap().get(errno)?.[1] ?? message;
}

/** What `read` returns; should it fail, the error names the file. */
export function reading<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw fileError('read', name, error);
  }
}

/** Writes a file. The error, should it fail, names it. */
export function writeOutput(path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw fileError('write', path, error);
  }
}

/** An error that says which file could not be read or written; any other than a system's stays as it is. */
export function fileError(purpose: 'read' | 'write', name: string, error: unknown): Error {
  const failure = error as NodeJS.ErrnoException;
  if (failure.syscall === undefined) return failure;
  const missing = purpose === 'write' && failure.code === 'ENOENT';
  return new Error(`cannot ${purpose} ${name}: ${missing ? 'no such folder' : reasonOf(failure)}`, { cause: failure });
}
