import { h } from '../dom';
import { formatBytes, formatTime } from '../format';
import { codeLine, metricText, modelBadge, modelChips, parametersText, signatureTable } from '../model_parts';
import type { RunModel } from '../requests';
import { type ModelHandlers, versionButton } from './model_overview';
import { facts, linkButton } from './parts';

/** The models that a run has logged, each with the line of code that loads it. */
export function showRunModels(panel: HTMLElement, models: readonly RunModel[], open: ModelHandlers['openModel']): void {
  panel.replaceChildren(...models.map(model => modelSection(model, open)));
}

function modelSection(model: RunModel, open: ModelHandlers['openModel']): HTMLElement {
  const title = h('h3', {}, linkButton(model.name, () => open({ model_id: model.model_id }, model.name)));
  const head = h('div', { class: 'nbt-headline' }, title);
  const badge = modelBadge(model.state);
  if (badge) head.append(badge);
  const parts: HTMLElement[] = [head];
  if (model.message) parts.push(h('pre', { class: 'nbt-failure', tabindex: 0, 'aria-label': 'Why it failed' }, model.message));
  if (model.state === 'READY') parts.push(codeLine(model.load, `Copy the line that loads ${model.name}`));
  const registered = h('span', { class: 'nbt-runmodel-versions' });
  for (const version of model.versions) registered.append(h('span', {}, versionButton(version, open), ...modelChips(version.aliases, version.stage)));
  parts.push(
    facts([
      ['Registered', model.versions.length > 0 ? registered : null],
      ['Flavor', model.flavors.join(', ')],
      ['Size', [parametersText(model.parameters), formatBytes(model.size)].filter(Boolean).join(', ')],
      ['Device', model.device],
      ['Precision', model.precision],
      ['Metrics', model.metrics.map(({ key, value }) => `${key} ${metricText(value)}`).join(', ')],
      ['Created', formatTime(model.created_ms)]
    ])
  );
  if (model.signature) parts.push(signatureTable(model.signature));
  return h('section', { class: 'nbt-section nbt-runmodel' }, ...parts);
}
