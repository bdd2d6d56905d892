import type { AppHost } from '../app_host';
import { h } from '../dom';

let lists = 0;

/** Ask for a note; null when the user thinks better of it. */
export async function askForNote(appHost: AppHost, name: string, before: string, what = 'Note'): Promise<string | null> {
  const text = h('textarea', { rows: 5, placeholder: 'What was tried, and what came of it' });
  text.value = before;
  const field = h('label', {}, what, text);
  return appHost.prompt(`${what} of ${name}`, [field], () => text.value.trim(), 'Save');
}

/** Ask for a name, and offer those that are there; null when the user thinks better of it. */
export async function askForName(
  appHost: AppHost,
  title: string,
  label: string,
  before: string,
  known: readonly string[],
  button = 'Save'
): Promise<string | null> {
  const id = `nbt-names-${++lists}`;
  const input = h('input', { type: 'text', spellcheck: 'false', value: before, list: id });
  const offered = h('datalist', { id }, ...known.map(value => h('option', { value })));
  return appHost.prompt(title, [h('label', {}, label, input), offered], () => input.value.trim(), button);
}

/** Ask for an alias; null when the user thinks better of it. */
export async function askForAlias(appHost: AppHost, version: string, known: readonly string[]): Promise<string | null> {
  const alias = await askForName(appHost, `Alias of ${version}`, 'Alias', '', known);
  return alias && alias.replace(/^@/, '');
}

const STAGES = ['None', 'Staging', 'Production', 'Archived'];

/** Ask for a stage, and whether the versions that are in it make room. */
export async function askForStage(appHost: AppHost, version: string, before: string): Promise<{ stage: string; archive: boolean } | null> {
  const select = h('select', {}, ...STAGES.map(value => h('option', { value }, value)));
  select.value = before;
  const archive = h('input', { type: 'checkbox', checked: true });
  const row = h('label', { class: 'nbt-dialog-check' }, archive, 'Archive the versions that are there now');
  const inUse = (): boolean => select.value === 'Staging' || select.value === 'Production';
  const show = (): void => void (row.hidden = !inUse());
  select.addEventListener('change', show);
  show();
  const fields = [h('label', {}, 'Stage', select), row];
  return appHost.prompt(`Stage of ${version}`, fields, () => ({ stage: select.value, archive: inUse() && archive.checked }), 'Move');
}

/** Ask for a tag and its value; null when the user thinks better of it. */
export async function askForTag(appHost: AppHost, what: string, before?: [string, string]): Promise<[string, string] | null> {
  const key = h('input', { type: 'text', spellcheck: 'false', value: before?.[0] ?? '', placeholder: 'stage' });
  const value = h('input', { type: 'text', spellcheck: 'false', value: before?.[1] ?? '', placeholder: 'final' });
  if (before) key.readOnly = true;
  const fields = [h('label', {}, 'Tag', key), h('label', {}, 'Value', value)];
  const answer = await appHost.prompt(`Tag ${what}`, fields, (): [string, string] => [key.value.trim(), value.value.trim()], 'Save');
  return answer && answer[0] ? answer : null;
}
