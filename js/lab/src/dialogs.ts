import { Dialog, showDialog } from '@jupyterlab/apputils';
import { h } from '@nbtrack/shared/dom';
import { Widget } from '@lumino/widgets';

let lists = 0;

/** The body of a dialog: fields with labels, and their value. */
class Fields<T> extends Widget implements Dialog.IBodyWidget<T> {
  constructor(
    fields: HTMLElement[],
    private readonly value: () => T
  ) {
    super({ node: h('div', { class: 'nbt-dialog' }, ...fields) });
  }

  getValue(): T {
    return this.value();
  }
}

/** Ask for a note; null when the user thinks better of it. */
export async function askForNote(name: string, before: string, what = 'Note'): Promise<string | null> {
  const text = h('textarea', { rows: 5, class: 'jp-mod-styled', placeholder: 'What was tried, and what came of it' });
  text.value = before;
  const field = h('label', {}, what, text);
  return ask(`${what} of ${name}`, new Fields([field], () => text.value.trim()), 'Save');
}

/** Ask for a name, and offer those that are there; null when the user thinks better of it. */
export async function askForName(
  title: string,
  label: string,
  before: string,
  known: readonly string[],
  button = 'Save'
): Promise<string | null> {
  const id = `nbt-names-${++lists}`;
  const input = h('input', { type: 'text', class: 'jp-mod-styled', spellcheck: 'false', value: before, list: id });
  const offered = h('datalist', { id }, ...known.map(value => h('option', { value })));
  return ask(title, new Fields([h('label', {}, label, input), offered], () => input.value.trim()), button);
}

/** Ask for an alias; null when the user thinks better of it. */
export async function askForAlias(version: string, known: readonly string[]): Promise<string | null> {
  const alias = await askForName(`Alias of ${version}`, 'Alias', '', known);
  return alias && alias.replace(/^@/, '');
}

const STAGES = ['None', 'Staging', 'Production', 'Archived'];

/** Ask for a stage, and whether the versions that are in it make room. */
export async function askForStage(version: string, before: string): Promise<{ stage: string; archive: boolean } | null> {
  const select = h('select', { class: 'jp-mod-styled' }, ...STAGES.map(value => h('option', { value }, value)));
  select.value = before;
  const archive = h('input', { type: 'checkbox', checked: true });
  const row = h('label', { class: 'nbt-dialog-check' }, archive, 'Archive the versions that are there now');
  const inUse = (): boolean => select.value === 'Staging' || select.value === 'Production';
  const show = (): void => void (row.hidden = !inUse());
  select.addEventListener('change', show);
  show();
  const fields = [h('label', {}, 'Stage', select), row];
  return ask(`Stage of ${version}`, new Fields(fields, () => ({ stage: select.value, archive: inUse() && archive.checked })), 'Move');
}

/** Ask for a tag and its value; null when the user thinks better of it. */
export async function askForTag(what: string, before?: [string, string]): Promise<[string, string] | null> {
  const key = h('input', { type: 'text', class: 'jp-mod-styled', spellcheck: 'false', value: before?.[0] ?? '', placeholder: 'stage' });
  const value = h('input', { type: 'text', class: 'jp-mod-styled', spellcheck: 'false', value: before?.[1] ?? '', placeholder: 'final' });
  if (before) key.readOnly = true;
  const fields = [h('label', {}, 'Tag', key), h('label', {}, 'Value', value)];
  const answer = await ask(`Tag ${what}`, new Fields(fields, (): [string, string] => [key.value.trim(), value.value.trim()]), 'Save');
  return answer && answer[0] ? answer : null;
}

/** Ask whether to go on. */
export async function confirm(title: string, body: string, label: string): Promise<boolean> {
  const buttons = [Dialog.cancelButton(), Dialog.warnButton({ label })];
  return (await showDialog({ title, body, buttons })).button.accept;
}

async function ask<T>(title: string, body: Fields<T>, label: string): Promise<T | null> {
  const buttons = [Dialog.cancelButton(), Dialog.okButton({ label })];
  const { button, value } = await showDialog({ title, body, buttons, focusNodeSelector: 'textarea, select, input:not([readonly])' });
  return button.accept ? value : null;
}
