import { UnknownStoreError } from './backend';
import { messageOf } from './dom';
import { isGone, ServerError } from './server';

/** What is wrong, and what to do about it. */
export interface Problem {
  title: string;
  advice: string;
  /** A line for a terminal, where that is what to do. */
  command?: string;
}

const NOT_THERE = new Set(['RESOURCE_DOES_NOT_EXIST', 'NOT_FOUND']);

/** Say what is wrong in words for the user. */
export function problemOf(error: unknown): Problem {
  if (error instanceof UnknownStoreError || isGone(error)) {
    return {
      title: 'This store is gone',
      advice: `${messageOf(error)} It may have been moved or removed. Choose another one, or put it back and retry.`
    };
  }
  if (!(error instanceof ServerError)) {
    return { title: 'Something went wrong', advice: error instanceof Error ? error.message : String(error) };
  }
  switch (error.kind) {
    case 'missing':
      return {
        title: 'nbtrack’s server extension is off',
        advice:
          'The sidebar asks the Jupyter server about the runs. Install nbtrack into the environment that ' +
          'Jupyter itself runs in, switch its extension on, and start Jupyter again:',
        command: 'jupyter server extension enable nbtrack'
      };
    case 'offline':
      return { title: 'The server does not answer', advice: `${error.message} Then retry.` };
    case 'login':
      return { title: 'You are logged out', advice: error.message };
    case 'refused':
      if (NOT_THERE.has(error.code)) return { title: 'This is not in the store', advice: `${error.message.replace(/\.$/, '')}. It may have been removed, or be in another store.` };
      if (error.code === 'PERMISSION_DENIED') return { title: 'This is not allowed', advice: error.message };
      if (error.code === 'INVALID_PARAMETER_VALUE') return { title: 'This cannot be shown', advice: error.message };
      return { title: 'The server could not answer', advice: error.message };
  }
}
