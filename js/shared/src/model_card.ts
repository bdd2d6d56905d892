import { h } from './dom';
import { formatBytes, formatTime } from './format';
import { plainLine } from './markdown';
import { type AskModel, ModelFormView } from './model_form';
import { codeLine, metricText, parametersText, modelBadge, modelChips, signatureTable } from './model_parts';
import css from './style_models.css';
import type { CardFacts, ModelForm } from './view_data';

/** The card of a model: what it is, what it takes and gives, the line that loads it, and a form to try it. */
export class ModelCardView {
  private readonly body = h('div', { class: 'nbt-modelcard' });
  private readonly place = h('div', { class: 'nbt-modeltry' });
  private readonly open = h('button', { type: 'button', class: 'nbt-modelopen', 'aria-expanded': 'false' }, 'Try it');
  private formKey = '';

  /** Without `ask` there is no form: the card was saved. */
  constructor(
    root: HTMLElement,
    private readonly ask: AskModel | null
  ) {
    root.append(h('style', {}, css), this.body, this.place);
    this.open.addEventListener('click', () => this.toggle(this.open.getAttribute('aria-expanded') === 'false'));
  }

  show(facts: CardFacts): void {
    const parts: HTMLElement[] = [headOf(facts)];
    if (facts.message) parts.push(h('div', { class: 'nbt-failure', role: 'alert' }, facts.message));
    if (facts.description) parts.push(h('p', { class: 'nbt-modeltold' }, plainLine(facts.description)));
    const columns = h('div', { class: 'nbt-modelgrid' });
    if (facts.signature) columns.append(part('Signature', signatureTable(facts.signature)));
    else columns.append(part('Signature', h('p', { class: 'nbt-modelnone' }, 'None. Pass an input_example to log_model, and it is inferred.')));
    if (facts.metrics.length > 0) columns.append(part('Metrics', metricList(facts)));
    parts.push(columns, codeLine(facts.load, 'Copy the line that loads the model'));
    this.body.replaceChildren(...parts);
  }

  setForm(form: ModelForm | null): void {
    const key = JSON.stringify(form);
    if (key === this.formKey) return;
    this.formKey = key;
    this.place.replaceChildren();
    if (!form || !this.ask) return;
    const view = new ModelFormView(form, this.ask);
    const expanded = this.open.getAttribute('aria-expanded') === 'true';
    this.place.append(this.open, view.element);
    view.element.hidden = !expanded;
  }

  private toggle(open: boolean): void {
    this.open.setAttribute('aria-expanded', String(open));
    const form = this.place.querySelector<HTMLElement>('form');
    if (!form) return;
    form.hidden = !open;
    if (open) form.querySelector<HTMLElement>('input, select, textarea')?.focus();
  }
}

function headOf(facts: CardFacts): HTMLElement {
  const name = h('strong', { class: 'nbt-name', title: facts.uri }, facts.name);
  const head = h('header', { class: 'nbt-headline' }, name);
  if (facts.version !== null) head.append(h('span', { class: 'nbt-modelversion' }, `v${facts.version}`));
  head.append(...modelChips(facts.aliases, facts.stage));
  const badge = modelBadge(facts.state);
  if (badge) head.append(badge);
  const told = [facts.run?.name ?? '', facts.flavors.join(', '), parametersText(facts.parameters), formatBytes(facts.size), facts.device ?? '', facts.precision ?? '', formatTime(facts.created_ms)];
  const row = h('span', { class: 'nbt-facts' });
  for (const each of told.filter(Boolean)) row.append(h('span', { class: 'nbt-fact' }, each));
  head.append(row);
  return head;
}

function metricList({ metrics }: CardFacts): HTMLElement {
  const list = h('dl', { class: 'nbt-modelmetrics' });
  for (const { key, value } of metrics) list.append(h('dt', {}, key), h('dd', {}, metricText(value)));
  return list;
}

function part(title: string, content: HTMLElement): HTMLElement {
  return h('section', { class: 'nbt-modelpart' }, h('h4', {}, title), content);
}
