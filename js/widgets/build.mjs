// Two files without code splitting: `views.js` is sent once by a kernel, `loader.js` with every widget.
import * as esbuild from 'esbuild';

const watch = process.argv.includes('--watch');
const options = {
  entryPoints: ['src/views.ts', 'src/loader.ts'],
  outdir: '../../src/nbtrack/static',
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: ['es2022'],
  minify: !watch,
  alias: { 'plotly.js-cartesian-dist-min': './src/no_plotly.ts' },
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
