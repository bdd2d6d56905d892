import { errorBox, h, messageOf } from './dom';
import { formatDuration, formatNumber } from './format';
import type { ColumnSpec, Prediction } from './requests';
import type { ModelForm, ParamField } from './view_data';

/** What is typed into the form. */
export interface FormInput {
  fields?: Record<string, string>;
  text?: string;
  params: Record<string, string>;
}

export type AskModel = (input: FormInput) => Promise<Prediction>;

let forms = 0;

/** A form that asks a model, and shows what it answers. */
export class ModelFormView {
  readonly element: HTMLFormElement;
  private readonly inputs = new Map<string, HTMLInputElement | HTMLSelectElement>();
  private readonly params = new Map<string, HTMLInputElement>();
  private readonly text = h('textarea', { class: 'nbt-modeltext', rows: 4, spellcheck: 'false' });
  private readonly button = h('button', { type: 'submit', class: 'nbt-modelask' }, 'Predict');
  private readonly answer = h('div', { class: 'nbt-modelanswer', role: 'status', 'aria-live': 'polite' });
  private readonly prefix = `nbt-form-${++forms}`;
  private requestNumber = 0;

  constructor(
    private readonly form: ModelForm,
    private readonly ask: AskModel
  ) {
    const body = form.kind === 'columns' ? this.columns(form.fields) : this.json(form);
    const more = form.params.length > 0 ? [this.paramFields(form.params)] : [];
    const bar = h('div', { class: 'nbt-modelbar' }, this.button);
    this.element = h('form', { class: 'nbt-modelform', novalidate: true }, body, ...more, bar, this.answer);
    this.element.addEventListener('submit', event => {
      event.preventDefault();
      if (this.button.getAttribute('aria-disabled') !== 'true') void this.submit();
    });
    this.element.addEventListener('keydown', event => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey || event.shiftKey)) {
        // Shift+Enter runs the cell below the form
        event.preventDefault();
        event.stopPropagation();
        void this.submit();
      }
    });
  }

  /** What is typed now. */
  get input(): FormInput {
    const params = Object.fromEntries([...this.params].map(([name, field]) => [name, field.value]));
    if (this.form.kind === 'json') return { text: this.text.value, params };
    return { fields: Object.fromEntries([...this.inputs].map(([name, field]) => [name, field.value])), params };
  }

  private async submit(): Promise<void> {
    const number = ++this.requestNumber;
    this.button.setAttribute('aria-disabled', 'true'); // one that is disabled loses the focus
    this.button.textContent = 'Predicting…';
    try {
      const found = await this.ask(this.input);
      if (number === this.requestNumber) this.answer.replaceChildren(...predictionNodes(found));
    } catch (error) {
      if (number === this.requestNumber) this.answer.replaceChildren(errorBox(messageOf(error)));
    }
    if (number !== this.requestNumber) return;
    this.button.removeAttribute('aria-disabled');
    this.button.textContent = 'Predict';
  }

  private columns(fields: (ColumnSpec & { name: string; value: string })[]): HTMLElement {
    const grid = h('div', { class: 'nbt-modelfields' });
    fields.forEach((field, i) => {
      const id = `${this.prefix}-${i}`;
      const input = inputOf(field, id);
      this.inputs.set(field.name, input);
      grid.append(labelled(field.name, field.type, id, input));
    });
    return grid;
  }

  private json({ inputs, text }: ModelForm & { kind: 'json' }): HTMLElement {
    const id = `${this.prefix}-json`;
    this.text.id = id;
    this.text.value = text;
    const types = inputs.map(spec => [spec.name, spec.type].filter(Boolean).join(' ')).join(', ');
    return h('div', { class: 'nbt-modelfield' }, h('label', { for: id }, 'Input as JSON ', h('span', {}, types)), this.text);
  }

  private paramFields(fields: readonly ParamField[]): HTMLElement {
    const grid = h('div', { class: 'nbt-modelfields nbt-modelparams', role: 'group', 'aria-label': 'Params' });
    fields.forEach(({ name, type, value }, i) => {
      const id = `${this.prefix}-param-${i}`;
      const input = h('input', { id, type: 'text', value, spellcheck: 'false', autocomplete: 'off' });
      this.params.set(name, input);
      grid.append(labelled(name, `${type}, param`, id, input));
    });
    return grid;
  }
}

function labelled(name: string, type: string, id: string, input: HTMLElement): HTMLElement {
  return h('div', { class: 'nbt-modelfield' }, h('label', { for: id, title: name }, name, ' ', h('span', {}, type)), input);
}

function inputOf({ type, value, required }: ColumnSpec & { value: string }, id: string): HTMLInputElement | HTMLSelectElement {
  if (type !== 'boolean') {
    const numeric = ['integer', 'long', 'float', 'double'].includes(type);
    const attributes = { id, type: 'text', value, spellcheck: 'false', autocomplete: 'off' };
    return h('input', { ...attributes, inputmode: numeric ? 'decimal' : undefined, placeholder: required ? undefined : 'optional' });
  }
  const select = h('select', { id });
  if (!required) select.append(h('option', { value: '' }, ''));
  for (const word of ['true', 'false']) select.append(h('option', { value: word }, word));
  select.value = value || (required ? 'true' : '');
  return select;
}

/** What a model has predicted, as a table or a text, and how long it took. */
export function predictionNodes(found: Prediction): HTMLElement[] {
  const facts = [found.note, formatDuration(found.seconds)];
  if (found.kind === 'text') {
    return [h('pre', { class: 'nbt-modelresult', tabindex: 0, 'aria-label': 'Prediction' }, found.text), noteOf(facts)];
  }
  const { columns, rows, total } = found;
  const table = h('table', { class: 'nbt-prediction', 'aria-label': 'Prediction' });
  if (columns.some(name => name !== '')) table.append(h('thead', {}, h('tr', {}, ...columns.map(name => h('th', { scope: 'col' }, name)))));
  table.append(h('tbody', {}, ...rows.map(row => h('tr', {}, ...row.map(cell => h('td', {}, cellText(cell)))))));
  if (total > rows.length) facts.unshift(`the first ${rows.length} of ${total.toLocaleString('en-US')} rows`);
  return [h('div', { class: 'nbt-modelresult', tabindex: 0, role: 'group', 'aria-label': 'Prediction' }, table), noteOf(facts)];
}

function noteOf(facts: readonly string[]): HTMLElement {
  return h('div', { class: 'nbt-modelnote' }, facts.filter(Boolean).join(' · '));
}

function cellText(cell: string | number | boolean | null): string {
  return typeof cell === 'number' ? formatNumber(cell, 6) : cell === null ? '' : String(cell);
}
