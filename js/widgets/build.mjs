// One file per widget, without code splitting: anywidget loads a module from its text.
import { readdirSync } from 'node:fs';
import * as esbuild from 'esbuild';

const watch = process.argv.includes('--watch');
const widgets = ['metric_chart', 'run_card', 'run_table'];
const sources = new Set(readdirSync('src').map(file => file.replace(/\.ts$/, '')));
const options = {
  entryPoints: widgets.filter(name => sources.has(name)).map(name => `src/${name}.ts`),
  outdir: '../../src/nbtrack/static',
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: ['es2022'],
  minify: !watch,
  define: { 'define.amd': 'false' },
  loader: { '.css': 'text' },
  legalComments: 'none',
  logLevel: 'info'
};
if (watch) {
  await (await esbuild.context(options)).watch();
} else {
  await esbuild.build(options);
}
