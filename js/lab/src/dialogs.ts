import { Dialog, showDialog } from '@jupyterlab/apputils';
import { h } from '@nbtrack/shared/dom';
import { Widget } from '@lumino/widgets';

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
export async function askForNote(name: string, before: string): Promise<string | null> {
  const text = h('textarea', { rows: 5, class: 'jp-mod-styled', placeholder: 'What was tried, and what came of it' });
  text.value = before;
  const field = h('label', {}, 'Note', text);
  return ask(`Note of ${name}`, new Fields([field], () => text.value.trim()), 'Save');
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
  const { button, value } = await showDialog({ title, body, buttons, focusNodeSelector: 'textarea, input:not([readonly])' });
  return button.accept ? value : null;
}
