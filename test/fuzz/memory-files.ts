/**
 * Files in memory below one folder, in the place of those of `node:fs` for the calls that a store makes: calls fail when they
 * are told to, and the machine may lose its power, with what was not synchronised.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import timers from 'node:timers/promises';
import { native } from '#dist/binding.js';

/** The folder that is in memory. */
export const MEMORY = resolve('/openssl-ocsp-memory');

const FAULTS = ['ENOSPC', 'EIO', 'EMFILE', 'EBUSY', 'ESTALE'];
/** Calls that change what is there, or make it last. */
const CHANGES = new Set([
  'writeSync',
  'ftruncateSync',
  'rmSync',
  'write',
  'writeFile',
  'truncate',
  'sync',
  'rename',
  'rm',
]);
/** Descriptors of files in memory are beyond those of the system. */
const FIRST_DESCRIPTOR = 1_000_000;
const AGAIN = -11;

type Target = Record<string, unknown>;
type Call = (...args: never[]) => unknown;

class MemoryFile {
  static #count = 0;
  readonly ino: number = ++MemoryFile.#count;
  readonly mtimeMs: number = Date.now();
  data: Buffer = Buffer.alloc(0);
  synced: Buffer = this.data;
  /** What a synchronisation that failed has left: the system does not try again to write it. */
  lost: Buffer = this.data;
  lockedBy: number | undefined;

  sync(): void {
    const { data, synced, lost } = this;
    this.synced = data;
    if (lost.length === 0) return;
    this.synced = Buffer.from(data);
    for (let i = 0; i < Math.min(data.length, lost.length); i += 1)
      if (data[i] === lost[i]) this.synced[i] = synced[i] ?? 0;
  }
}

class MemoryFolder {
  names = new Map<string, MemoryFile>();
  synced = new Map<string, MemoryFile>();
}

interface Opened {
  readonly file: MemoryFile | MemoryFolder;
  readonly generation: number;
}

function failure(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: ${call}`), { code });
}

/** The file system of one machine. */
export class MemoryFiles {
  readonly #folders = new Map<string, MemoryFolder>();
  readonly #opened = new Map<number, Opened>();
  #lastDescriptor = FIRST_DESCRIPTOR;
  /** Grows when the machine loses its power: what was running before does nothing more. */
  #generation = 0;
  /** Calls until one fails; 0 for none. */
  #countdown = 0;
  #ofChanges = false;
  #code = '';
  #failed: string | undefined;
  #isDown = false;

  /** Puts itself in the place of the calls, for the rest of the process. */
  static install(): MemoryFiles {
    const files = new MemoryFiles();
    const sync = fs as unknown as Target;
    const promised = fs.promises as unknown as Target;
    for (const name of ['openSync', 'readFileSync', 'readdirSync', 'rmSync', 'mkdirSync', 'statSync'] as const)
      files.#replace(sync, name, files[name].bind(files) as Call);
    for (const name of ['closeSync', 'readSync', 'writeSync', 'fstatSync', 'ftruncateSync'] as const)
      files.#replace(sync, name, files[name].bind(files) as Call);
    files.#replace(sync, 'createReadStream', files.createReadStream.bind(files) as Call);
    for (const name of ['open', 'rename', 'rm', 'stat', 'readdir', 'mkdir'] as const)
      files.#replace(promised, name, files[name].bind(files) as Call);
    files.#replace(native as unknown as Target, 'lockFile', files.lockFile.bind(files) as Call);
    files.#replace(native as unknown as Target, 'unlockFile', files.unlockFile.bind(files) as Call);
    // Who waits for a lock in memory waits for others to have their turn, not for time to pass.
    (timers as unknown as Target)['setTimeout'] = () => timers.setImmediate();
    syncBuiltinESMExports();
    return files;
  }

  /** Lets the call with number `at`, from 1, fail, of all or of those that change; with `power`, the machine is down from then on. */
  arm(at: number, power: boolean, ofChanges: boolean): void {
    this.#countdown = at;
    this.#ofChanges = ofChanges;
    this.#code = power ? 'power' : (FAULTS[at % FAULTS.length] as string);
    this.#failed = undefined;
  }

  /** No call fails any more. Returns which one has, and how; undefined when there were fewer calls. */
  disarm(): string | undefined {
    this.#countdown = 0;
    const failed = this.#failed;
    this.#failed = undefined;
    return failed;
  }

  /** Whether the power is off. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** Files that are open. */
  get openCount(): number {
    return this.#opened.size;
  }

  /** Starts the machine again. What was synchronised is there; of all else `keeps` says for each thing whether it is: a name is new, or gone. */
  restart(keeps: (isThere: boolean) => boolean): void {
    this.#isDown = false;
    this.#generation += 1;
    this.#opened.clear();
    for (const folder of this.#folders.values()) {
      for (const name of new Set([...folder.names.keys(), ...folder.synced.keys()])) {
        const now = folder.names.get(name);
        const before = folder.synced.get(name);
        if (now !== before && keeps(now !== undefined)) {
          if (now === undefined) folder.synced.delete(name);
          else folder.synced.set(name, now);
        }
      }
      folder.names = new Map(folder.synced);
      for (const file of folder.names.values()) {
        file.lockedBy = undefined;
        if (file.data === file.synced) continue;
        // Of what was written some pages are on the disk, and some are not.
        const length = keeps(true) ? file.data.length : file.synced.length;
        const data = Buffer.alloc(length);
        file.synced.copy(data);
        if (keeps(true)) file.data.copy(data);
        file.data = data;
        file.synced = data;
        file.lost = data.subarray(0, 0);
      }
    }
  }

  /** Removes everything. */
  clear(): void {
    this.#folders.clear();
    this.#opened.clear();
    this.#generation += 1;
    this.#isDown = false;
  }

  #replace(target: Target, name: string, own: Call): void {
    const real = (target[name] as Call).bind(target);
    target[name] = (...args: never[]) => {
      const [where] = args as unknown[];
      const isOurs = typeof where === 'number' ? where > FIRST_DESCRIPTOR : String(where).startsWith(MEMORY + sep);
      return isOurs ? own(...args) : real(...args);
    };
  }

  #due(call: string): void {
    if (this.#isDown) throw failure('ENODEV', call);
    if (this.#countdown === 0 || (this.#ofChanges && !CHANGES.has(call))) return;
    this.#countdown -= 1;
    if (this.#countdown > 0) return;
    this.#failed = `${call}: ${this.#code}`;
    if (this.#code !== 'power') throw failure(this.#code, call);
    this.#isDown = true;
    throw failure('ENODEV', call);
  }

  #folderOf(path: string, call: string): MemoryFolder {
    const folder = this.#folders.get(dirname(path));
    if (folder === undefined) throw failure('ENOENT', `${call} ${path}`);
    return folder;
  }

  #fileAt(path: string, call: string): MemoryFile {
    const file = this.#folderOf(path, call).names.get(basename(path));
    if (file === undefined) throw failure('ENOENT', `${call} ${path}`);
    return file;
  }

  #openedFile(descriptor: number, call: string): MemoryFile {
    const opened = this.#opened.get(descriptor);
    if (!(opened?.file instanceof MemoryFile)) throw failure('EBADF', call);
    return opened.file;
  }

  #open(path: string, flags: string): number {
    const folder = this.#folders.get(path);
    let file: MemoryFile | MemoryFolder | undefined = folder;
    if (folder === undefined) {
      const { names } = this.#folderOf(path, 'open');
      file = names.get(basename(path));
      if (file !== undefined && flags === 'wx') throw failure('EEXIST', `open ${path}`);
      if (file === undefined) {
        if (flags === 'r' || flags === 'r+') throw failure('ENOENT', `open ${path}`);
        file = new MemoryFile();
        names.set(basename(path), file as MemoryFile);
      } else if (flags === 'w') (file as MemoryFile).data = Buffer.alloc(0);
    }
    this.#lastDescriptor += 1;
    this.#opened.set(this.#lastDescriptor, { file: file as MemoryFile, generation: this.#generation });
    return this.#lastDescriptor;
  }

  openSync(path: string, flags: string): number {
    this.#due('openSync');
    return this.#open(path, flags);
  }

  #read(file: MemoryFile, into: Buffer, at: number, length: number, position: number): number {
    return position >= file.data.length ? 0 : file.data.copy(into, at, position, position + length);
  }

  readSync(descriptor: number, into: Buffer, at: number, length: number, position: number): number {
    this.#due('readSync');
    return this.#read(this.#openedFile(descriptor, 'readSync'), into, at, length, position);
  }

  #write(file: MemoryFile, bytes: Buffer, position: number): number {
    const data = Buffer.alloc(Math.max(file.data.length, position + bytes.length));
    file.data.copy(data);
    bytes.copy(data, position);
    file.data = data;
    return bytes.length;
  }

  writeSync(descriptor: number, text: string): number {
    this.#due('writeSync');
    const file = this.#openedFile(descriptor, 'writeSync');
    return this.#write(file, Buffer.from(text), file.data.length);
  }

  /** What closes does so also when it fails. */
  closeSync(descriptor: number): void {
    const opened = this.#opened.get(descriptor);
    this.#opened.delete(descriptor);
    if (opened?.file instanceof MemoryFile && opened.file.lockedBy === descriptor) opened.file.lockedBy = undefined;
    this.#due('closeSync');
    if (opened === undefined) throw failure('EBADF', 'closeSync');
  }

  fstatSync(descriptor: number, options?: { bigint: boolean }): unknown {
    this.#due('fstatSync');
    return this.#stats(this.#openedFile(descriptor, 'fstatSync'), options);
  }

  statSync(path: string, options?: { bigint: boolean }): unknown {
    this.#due('statSync');
    const file = this.#folders.get(dirname(path))?.names.get(basename(path));
    return file && this.#stats(file, options);
  }

  #stats({ ino, data, mtimeMs }: MemoryFile, options?: { bigint: boolean }): unknown {
    return options?.bigint ? { ino: BigInt(ino), dev: 1n } : { ino, size: data.length, mtimeMs };
  }

  readFileSync(path: string): string {
    this.#due('readFileSync');
    return this.#fileAt(path, 'open').data.toString('utf8');
  }

  readdirSync(path: string): string[] {
    this.#due('readdirSync');
    return this.#names(path);
  }

  #names(path: string): string[] {
    const folder = this.#folders.get(path);
    if (folder === undefined) throw failure('ENOENT', `scandir ${path}`);
    return [...folder.names.keys()];
  }

  #remove(path: string, options?: { force?: boolean }): void {
    const isThere = this.#folderOf(path, 'rm').names.delete(basename(path));
    if (!isThere && options?.force !== true) throw failure('ENOENT', `rm ${path}`);
  }

  rmSync(path: string, options?: { force?: boolean }): void {
    this.#due('rmSync');
    this.#remove(path, options);
  }

  mkdirSync(path: string): void {
    this.#due('mkdirSync');
    if (!this.#folders.has(path)) this.#folders.set(path, new MemoryFolder());
  }

  ftruncateSync(descriptor: number): void {
    this.#due('ftruncateSync');
    this.#openedFile(descriptor, 'ftruncateSync').data = Buffer.alloc(0);
  }

  createReadStream(path: string, { end }: { end: number }): Readable {
    this.#due('createReadStream');
    return Readable.from([this.#fileAt(path, 'open').data.subarray(0, end + 1)]);
  }

  lockFile(descriptor: number): number {
    const file = this.#openedFile(descriptor, 'lockFile');
    if (file.lockedBy !== undefined && file.lockedBy !== descriptor) return AGAIN;
    file.lockedBy = descriptor;
    return 0;
  }

  unlockFile(descriptor: number): void {
    const file = this.#opened.get(descriptor)?.file;
    if (file instanceof MemoryFile && file.lockedBy === descriptor) file.lockedBy = undefined;
  }

  async open(path: string, flags: string): Promise<unknown> {
    this.#due('open');
    const descriptor = this.#open(path, flags);
    const opened = this.#opened.get(descriptor) as Opened;
    const use = (call: string): MemoryFile => {
      this.#due(call);
      if (opened.generation !== this.#generation) throw failure('ENODEV', call);
      return opened.file as MemoryFile;
    };
    return {
      read: async (into: Buffer, at: number, length: number, position: number) => ({
        bytesRead: this.#read(use('read'), into, at, length, position),
      }),
      write: async (from: Buffer, at: number, length: number, position: number) => ({
        bytesWritten: this.#write(use('write'), from.subarray(at, at + length), position),
      }),
      writeFile: async (text: string) => void this.#write(use('writeFile'), Buffer.from(text), 0),
      stat: async () => this.#stats(use('stat')),
      truncate: async (length: number) => {
        const file = use('truncate');
        file.data = file.data.subarray(0, length);
        file.lost = file.lost.subarray(0, length);
      },
      sync: async () => {
        const { file } = opened;
        try {
          use('sync');
        } catch (error) {
          if (file instanceof MemoryFile) file.lost = file.data;
          throw error;
        }
        if (file instanceof MemoryFile) file.sync();
        else file.synced = new Map(file.names);
      },
      // A second time, it does nothing.
      close: async () => {
        if (this.#opened.has(descriptor)) this.closeSync(descriptor);
      },
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#due('rename');
    const file = this.#fileAt(from, 'rename');
    this.#folderOf(from, 'rename').names.delete(basename(from));
    this.#folderOf(to, 'rename').names.set(basename(to), file);
  }

  async rm(path: string, options?: { force?: boolean }): Promise<void> {
    this.#due('rm');
    this.#remove(path, options);
  }

  async stat(path: string): Promise<unknown> {
    this.#due('stat');
    return this.#stats(this.#fileAt(path, 'stat'));
  }

  async readdir(path: string): Promise<string[]> {
    this.#due('readdir');
    return this.#names(path);
  }

  async mkdir(path: string): Promise<void> {
    this.#due('mkdir');
    if (!this.#folders.has(path)) this.#folders.set(path, new MemoryFolder());
  }
}
