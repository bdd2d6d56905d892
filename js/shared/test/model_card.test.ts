// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ModelCardView } from '../src/model_card';
import type { FormInput } from '../src/model_form';
import type { Prediction } from '../src/requests';
import type { CardFacts, ModelForm } from '../src/view_data';

const facts: CardFacts = {
  name: 'digits',
  version: 2,
  model_id: 'm-1',
  state: 'READY',
  message: null,
  stage: 'Production',
  aliases: ['champion'],
  flavors: ['pytorch'],
  size: 1_200_000,
  device: 'cuda:0',
  precision: 'float32',
  parameters: 23_500_000,
  created_ms: null,
  description: null,
  uri: 'models:/digits/2',
  load: "model = nbtrack.pytorch.load_model('models:/digits/2')",
  run: { run_id: 'r', name: 'otter', state: 'FINISHED', experiment_id: '0', experiment: 'Default', end_ms: null },
  metrics: [{ key: 'accuracy', value: 0.98, step: 3 }],
  signature: {
    inputs: [{ name: 'x', type: 'double', required: true }, { name: '<b>y</b>', type: 'boolean', required: false }],
    outputs: [{ name: null, type: 'float32 [any, 10]', required: true }],
    params: [],
    more: 0
  }
};
const columns: ModelForm = {
  kind: 'columns',
  fields: [{ name: 'x', type: 'double', required: true, value: '1.5' }, { name: 'ok', type: 'boolean', required: true, value: 'false' }],
  params: [{ name: 'scale', type: 'double', value: '1.0' }]
};
const answer: Prediction = { kind: 'table', columns: ['y'], rows: [[0.123456789], [null]], total: 30, note: '', seconds: 0.004 };

let root: HTMLElement;
let asked: FormInput[];
let card: ModelCardView;
beforeEach(() => {
  document.body.replaceChildren((root = document.createElement('div')));
  asked = [];
  card = new ModelCardView(root, input => {
    asked.push(input);
    return input.fields?.['x'] === 'bad' ? Promise.reject(new Error('x is no number')) : Promise.resolve(answer);
  });
  card.show(facts);
});

const form = (): HTMLFormElement => root.querySelector('form')!;
const submit = (): void => void form().dispatchEvent(new Event('submit', { cancelable: true }));

describe('a card', () => {
  it('says what the model is, and what it takes as text', () => {
    expect(root.querySelector('.nbt-headline')?.textContent).toContain('digitsv2@championProduction');
    expect(root.querySelector('.nbt-facts')?.textContent).toBe('otterpytorch23.5 million parameters1.2 MBcuda:0float32');
    expect(root.querySelectorAll('.nbt-signature tr')).toHaveLength(3);
    expect(root.querySelector('.nbt-signature b')).toBeNull();
    expect(root.querySelector('.nbt-codeline code')?.textContent).toBe(facts.load);
  });

  it('copies the line that loads the model', async () => {
    const write = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue(undefined);
    root.querySelector<HTMLElement>('.nbt-copy')!.click();
    await vi.waitFor(() => expect(root.querySelector('.nbt-copy')?.textContent).toBe('Copied'));
    expect(write).toHaveBeenCalledWith(facts.load);
  });

  it('has no form where nobody can be asked', () => {
    const saved = document.createElement('div');
    const view = new ModelCardView(saved, null);
    view.show({ ...facts, state: 'FAILED', message: 'the disk is full' });
    view.setForm(columns);
    expect(saved.querySelector('form')).toBeNull();
    expect(saved.querySelector('[role=alert]')?.textContent).toBe('the disk is full');
  });
});

describe('the form', () => {
  it('begins with the example, asks, and shows the answer', async () => {
    card.setForm(columns);
    expect(form().hidden).toBe(true);
    root.querySelector<HTMLElement>('.nbt-modelopen')!.click();
    expect(form().hidden).toBe(false);
    submit();
    await vi.waitFor(() => expect(root.querySelectorAll('.nbt-prediction tbody tr')).toHaveLength(2));
    expect(asked).toEqual([{ fields: { x: '1.5', ok: 'false' }, params: { scale: '1.0' } }]);
    expect(root.querySelector('.nbt-prediction td')?.textContent).toBe('0.123457');
    expect(root.querySelector('.nbt-modelnote')?.textContent).toBe('the first 2 of 30 rows · 4 ms');
  });

  it('shows why there is no answer, and can be asked again', async () => {
    card.setForm(columns);
    form().querySelector('input')!.value = 'bad';
    submit();
    await vi.waitFor(() => expect(root.querySelector('.nbt-error')?.textContent).toBe('x is no number'));
    expect(root.querySelector('.nbt-modelask')?.getAttribute('aria-disabled')).toBeNull();
  });

  it('keeps what is typed while the facts change', () => {
    card.setForm(columns);
    form().querySelector('input')!.value = '7';
    card.show({ ...facts, aliases: [] });
    card.setForm({ ...columns });
    expect(form().querySelector('input')!.value).toBe('7');
  });

  it('is a text of JSON for tensors', async () => {
    card.setForm({ kind: 'json', inputs: [{ name: null, type: 'float32 [any, 2]', required: true }], text: '[[0, 0]]', params: [] });
    expect(root.querySelector('label')?.textContent).toBe('Input as JSON float32 [any, 2]');
    submit();
    await vi.waitFor(() => expect(asked).toEqual([{ text: '[[0, 0]]', params: {} }]));
  });
});
