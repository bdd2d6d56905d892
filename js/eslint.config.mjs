import jupyter from '@jupyter/eslint-plugin';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores(['lab/lib/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['*/{src,test}/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: 'tsconfig.all.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      // handlers in options are functions of their own, and Lumino's signals take a method and its `this` apart
      '@typescript-eslint/unbound-method': 'off'
    }
  },
  {
    files: ['lab/src/**/*.ts'],
    extends: [jupyter.configs.recommended],
    rules: {
      // nbtrack speaks English alone: its views have no translation, in JupyterLab as elsewhere
      'jupyter/no-untranslated-string': 'off',
      // the commands act on what is selected; they are no interface for other extensions
      'jupyter/command-described-by': 'off',
      // the plugins need at start what they import at the top; what is large comes with import() when it is shown
      'jupyter/prefer-lazy-imports': 'off'
    }
  }
);
