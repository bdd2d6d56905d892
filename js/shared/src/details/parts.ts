import { h } from '../dom';

/** As many letters are seen whole in the narrowest column. */
const LONG = 24;

/** A part of a page with a heading. */
export function section(title: string, ...content: (Node | string)[]): HTMLElement {
  return h('section', { class: 'nbt-section' }, h('h3', {}, title), ...content);
}

/**
 * A table of texts; the first column heads its row.
 *
 * Where a table of several columns has no room, the cells of a row stand below its head, each with the word of its
 * column. For a screen reader it stays a table: the roles say so, whatever the styles make of the elements.
 */
export function textTable(label: string, heads: readonly string[], rows: readonly (readonly (Node | string)[])[]): HTMLElement {
  const table = h('table', { class: heads.length > 2 ? 'nbt-plain nbt-stacks' : 'nbt-plain', role: 'table', 'aria-label': label });
  if (heads.length > 0) {
    const row = heads.map((head, i) => h('th', { scope: 'col', role: 'columnheader', class: i > 0 ? 'nbt-cell' : undefined }, head));
    table.append(h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ...row)));
  }
  const body = h('tbody', { role: 'rowgroup' });
  for (const [first = '', ...others] of rows) {
    const head = h('th', { scope: 'row', role: 'rowheader', title: whole(first) }, first);
    const cells = others.map((cell, i) => h('td', { role: 'cell', title: whole(cell), 'data-head': heads[i + 1] || undefined }, cell));
    body.append(h('tr', { role: 'row' }, head, ...cells));
  }
  table.append(body);
  return table;
}

/** What the pointer is told of a text that may be cut. */
function whole(cell: Node | string): string | undefined {
  return typeof cell === 'string' && cell.length > LONG ? cell : undefined;
}

/** Names and values, one below the other; what has no value is left out. */
export function facts(pairs: readonly (readonly [name: string, value: Node | string | null | undefined])[]): HTMLElement {
  const list = h('dl', { class: 'nbt-factlist' });
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === '') continue;
    list.append(h('dt', {}, name), h('dd', {}, value));
  }
  return list;
}

/** What may be wider than there is room for; the keyboard can scroll it. */
export function scroller(label: string, content: HTMLElement): HTMLElement {
  return h('div', { class: 'nbt-scroller', tabindex: 0, role: 'group', 'aria-label': label }, content);
}

/** A link that does something in the page. */
export function linkButton(label: string, act: () => void): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'nbt-link' }, label);
  button.addEventListener('click', act);
  return button;
}

/** A button in the style of JupyterLab's. */
export function labButton(label: string, act: () => void): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'nbt-lab-button' }, label);
  button.addEventListener('click', act);
  return button;
}

/** A table with a field above it that leaves only the rows with what is typed. */
export function filteredTable(
  label: string,
  heads: readonly string[],
  rows: readonly (readonly [string, string])[],
  from = 12
): HTMLElement {
  const host = h('div', { class: 'nbt-filtered' });
  const place = h('div', { class: 'nbt-scroller', tabindex: rows.length > 20 ? 0 : undefined, role: 'group', 'aria-label': label });
  const input = h('input', { type: 'search', class: 'nbt-search nbt-alone', placeholder: `Filter ${rows.length} …`, 'aria-label': `Filter ${label}` });
  const show = (): void => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter(row => words.every(word => row.join(' ').toLowerCase().includes(word)));
    if (found.length > 0) place.replaceChildren(textTable(label, heads, found));
    else place.replaceChildren(h('p', { class: 'nbt-empty' }, 'Nothing of this name.'));
  };
  input.addEventListener('input', show);
  if (rows.length >= from) host.append(input);
  host.append(place);
  show();
  return host;
}
