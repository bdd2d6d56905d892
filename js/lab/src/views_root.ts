import { viewRoot as sharedRoot } from '@nbtrack/shared/dom';
import { problemBox } from '@nbtrack/shared/empty_states';
import { problemOf } from '@nbtrack/shared/problem';
import { followTheme } from '@nbtrack/shared/theme';
import details from '@nbtrack/shared/style_details.css';
import shared from '@nbtrack/shared/style_models.css';
import signs from '@nbtrack/shared/style_signs.css';
import css from './style.css';
import models from './style_models.css';

const STYLE = 'nbtrack-style';

/** Put the styles of the extension into the page, once. */
export function ensureStyles(): void {
  if (document.getElementById(STYLE)) return;
  const style = document.createElement('style');
  style.id = STYLE;
  style.textContent = [signs, details, css, shared, models].join('\n');
  document.head.append(style);
}

/** The root of what the extension shows: it has our styles, and follows the theme of the page. */
export function viewRoot(host: HTMLElement, name = 'page'): HTMLElement {
  ensureStyles();
  const root = sharedRoot(host, name);
  followTheme(root, () => undefined);
  return root;
}

/** What stands in a tab whose store is gone. */
export function saysGone(error: unknown, retry: () => void, close: () => void): HTMLElement {
  const host = document.createElement('div');
  viewRoot(host).append(problemBox(problemOf(error), retry, close));
  return host;
}
