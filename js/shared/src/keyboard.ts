/** With it on an element, Lumino finds no shortcut for keys that are pressed there. */
const SUPPRESS = 'data-lm-suppress-shortcuts';
const OUTPUT = '.jp-OutputArea';
const VIEW = '.nbt';
const INSTALLED = Symbol.for('nbtrack.keys@1');
/** With Ctrl or ⌘, these change text, select, or act on the cells of a notebook. */
const EDITING = new Set(['a', 'm', 'v', 'x', 'y', 'z']);

/**
 * Keep the keys that are pressed in our views of a notebook's outputs from the notebook; once in a page.
 *
 * JupyterLab's shortcuts of the command mode are for whatever has the focus in a notebook, and Lumino looks for
 * them at the focused element first: an attribute at the root of a view comes too late. So each key decides, before
 * anybody else hears of it, whether the element that has the focus carries the attribute.
 */
export function captureKeys(): void {
  const page = globalThis as typeof globalThis & { [INSTALLED]?: true };
  if (page[INSTALLED]) return;
  page[INSTALLED] = true;
  addEventListener('keydown', keep, { capture: true });
  addEventListener('keydown', leave);
}

let marked: Element | null = null;

function keep(event: KeyboardEvent): void {
  // it is for this key alone: on an element around others it would be for theirs too
  marked?.removeAttribute(SUPPRESS);
  marked = null;
  if (!inOutput(event) || isGlobalShortcut(event)) return;
  marked = event.target as Element;
  marked.setAttribute(SUPPRESS, '');
}

/** Whether a key means the same wherever the focus is, such as Ctrl+S; the views have none of these. */
export function isGlobalShortcut({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): boolean {
  if (/^F\d+$/.test(key)) return !shiftKey;
  if (!(ctrlKey || metaKey) || altKey || key.length !== 1) return false;
  const letter = key.toLowerCase();
  return !EDITING.has(letter) && (letter !== 'c' || shiftKey);
}

/** Escape that nothing in a view had a use for goes back to the cell, whose keys are the notebook's. */
function leave(event: KeyboardEvent): void {
  if (event.key !== 'Escape' || event.defaultPrevented || !inOutput(event)) return;
  const target = event.target as Element;
  if (!target.matches('input, textarea, select, [contenteditable]')) target.closest<HTMLElement>('.jp-Cell')?.focus();
}

function inOutput({ target }: Event): boolean {
  if (!(target instanceof Element) || !target.closest(OUTPUT)) return false;
  // a front end may show a view in a shadow tree, of which a page sees the host alone
  return target.closest(VIEW) !== null || target.shadowRoot?.querySelector(VIEW) != null;
}
