// A page of its own: an entry, chunks that are loaded when they are needed (Plotly, the grid), and a small
// script that chooses the theme before anything is drawn.
import { cpSync, rmSync } from 'node:fs';
import * as esbuild from 'esbuild';

const outdir = '../../src/nbtrack/static/page';
rmSync(outdir, { recursive: true, force: true });
const shared = {
  outdir,
  bundle: true,
  platform: 'browser',
  target: ['es2022'],
  minify: true,
  define: { 'define.amd': 'false' },
  legalComments: 'none',
  logLevel: 'warning'
};
await esbuild.build({ ...shared, entryPoints: { theme: 'src/first_theme.ts' }, format: 'iife' });
await esbuild.build({ ...shared, entryPoints: { page: 'src/page.css' } });
await esbuild.build({
  ...shared,
  entryPoints: { page: 'src/index.ts' },
  format: 'esm',
  splitting: true,
  chunkNames: 'part-[hash]',
  loader: { '.css': 'text' }
});
cpSync('src/icon.svg', `${outdir}/icon.svg`);
