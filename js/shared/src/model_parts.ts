import { h } from './dom';
import { formatNumber } from './format';
import type { ColumnSpec, ModelState, ParamSpec, Signature } from './requests';
import type { CardSignature } from './view_data';

const WORDS: Record<ModelState, string> = { PENDING: 'Being written', READY: 'Ready', FAILED: 'Failed' };
const SAID_MS = 1600;

/** The state of a model's files as a badge; null for one that is ready, as nearly all are. */
export function modelBadge(state: ModelState | null): HTMLElement | null {
  if (state === null || state === 'READY') return null;
  return h('span', { class: 'nbt-state', 'data-state': state === 'PENDING' ? 'RUNNING' : state }, WORDS[state] ?? state);
}

/** What a version is called by: its aliases and its stage. */
export function modelChips(aliases: readonly string[] | null, stage: string | null): HTMLElement[] {
  const chips = (aliases ?? []).map(alias => h('span', { class: 'nbt-modelchip', 'data-kind': 'alias', title: `Alias @${alias}` }, `@${alias}`));
  if (stage && stage !== 'None') chips.push(h('span', { class: 'nbt-modelchip', 'data-kind': stage.toLowerCase(), title: 'Stage' }, stage));
  return chips;
}

/** What goes in and what comes out, as a small table. */
export function signatureTable(signature: Signature & Partial<CardSignature>): HTMLElement {
  const body = h('tbody');
  const add = (word: string, specs: readonly (ColumnSpec | ParamSpec)[]): void =>
    specs.forEach((spec, i) =>
      body.append(
        h(
          'tr',
          { class: i === 0 ? 'nbt-sigfirst' : undefined },
          i === 0 ? h('th', { scope: 'rowgroup', rowspan: specs.length }, word) : '',
          h('td', { class: 'nbt-signame' }, spec.name ?? ''),
          h('td', {}, h('code', {}, typeText(spec)))
        )
      )
    );
  add('Input', signature.inputs);
  add('Output', signature.outputs);
  add('Params', signature.params);
  if (signature.more) body.append(h('tr', {}, h('th'), h('td', { colspan: 2, class: 'nbt-sigmore' }, `and ${signature.more} more`)));
  return h('table', { class: 'nbt-signature', 'aria-label': 'Signature' }, body);
}

function typeText(spec: ColumnSpec | ParamSpec): string {
  if ('default' in spec) return `${spec.type} = ${typeof spec.default === 'string' ? spec.default : JSON.stringify(spec.default)}`;
  return spec.required ? spec.type : `${spec.type} (optional)`;
}

/** A metric's value as people read it. */
export function metricText(value: number | string | null): string {
  return typeof value === 'number' ? formatNumber(value) : (value ?? 'NaN');
}

/** How large a network is, in words. */
export function parametersText(parameters: number | null): string {
  if (!parameters) return '';
  const units: [number, string][] = [[1e9, ' billion'], [1e6, ' million']];
  const [size, unit] = units.find(([least]) => parameters >= least) ?? [1, ''];
  return `${formatNumber(parameters / size, 3)}${unit} parameters`;
}

/** A line of code with a button that copies it. */
export function codeLine(code: string, label: string): HTMLElement {
  const copy = h('button', { type: 'button', class: 'nbt-copy', 'aria-label': label, title: label }, 'Copy');
  copy.addEventListener('click', () => void copyText(code, copy));
  return h('div', { class: 'nbt-codeline' }, h('code', { tabindex: 0, role: 'group', 'aria-label': 'Code' }, code), copy);
}

async function copyText(text: string, button: HTMLElement): Promise<void> {
  const said = (await copied(text)) ? 'Copied' : 'Not allowed';
  button.textContent = said;
  setTimeout(() => (button.textContent = 'Copy'), SAID_MS);
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
