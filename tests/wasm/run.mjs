// usage: node run.mjs PROGRAM.wasm < input: runs a WASI program with our standard streams.
import { readFile } from 'node:fs/promises';
import process from 'node:process';

process.removeAllListeners('warning'); // node:wasi announces itself as experimental
process.on('warning', () => {});
const { WASI } = await import('node:wasi');

const wasi = new WASI({ version: 'preview1', returnOnExit: true });
const module = await WebAssembly.compile(await readFile(process.argv[2]));
const instance = await WebAssembly.instantiate(module, {
  wasi_snapshot_preview1: wasi.wasiImport,
});
process.exitCode = wasi.start(instance);
