// TypeScript and styles are bundled by esbuild, Plotly into a chunk of its own; JupyterLab's builder wraps
// the result as a prebuilt extension, with the packages that JupyterLab itself provides left to it.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as esbuild from 'esbuild';

const require = createRequire(import.meta.url);
rmSync('lib', { recursive: true, force: true });
await esbuild.build({
  entryPoints: ['src/index.ts'],
  outdir: 'lib',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'browser',
  target: ['es2022'],
  external: ['@jupyterlab/*', '@lumino/*'],
  define: { 'define.amd': 'false' },
  loader: { '.css': 'text' },
  legalComments: 'none',
  logLevel: 'warning'
});
execFileSync(
  process.execPath,
  [
    require.resolve('@jupyter/builder/lib/build-labextension.js'),
    '--core-package-file',
    require.resolve('@jupyterlab/core-meta/core.package.json'),
    '.'
  ],
  { stdio: 'inherit' }
);
writeFileSync(
  '../../src/nbtrack/labextension/install.json',
  `${JSON.stringify(
    {
      packageManager: 'python',
      packageName: 'nbtrack',
      uninstallInstructions: 'Use your Python package manager (pip, conda, etc.) to uninstall the package nbtrack'
    },
    null,
    2
  )}\n`
);
