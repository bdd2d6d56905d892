import { h } from '../dom';
import { formatBytes, formatValue } from '../format';
import type { Environment, FullRun } from '../requests';
import { facts, filteredTable, section } from './parts';

const KNOWN = new Set(['python', 'platform', 'packages', 'git']);

/** What a run ran with. */
export function showEnvironment(panel: HTMLElement, { environment, run }: FullRun): void {
  const { git, packages = [] } = environment;
  const more = Object.entries(environment).filter(([name, value]) => !KNOWN.has(name) && value !== null && value !== '');
  panel.replaceChildren(
    section(
      'Machine',
      facts([
        ['Python', environment.python],
        ['Platform', environment.platform],
        ['User', run.user],
        ...more.map(([name, value]): [string, string] => [name === 'notebook' && !String(value).endsWith('.ipynb') ? 'Script' : titled(name), name === 'memory' ? formatBytes(Number(value)) : formatValue(value)])
      ])
    )
  );
  panel.append(section('Git', git ? gitFacts(git) : h('p', { class: 'nbt-empty' }, 'The run was not made in a git repository.')));
  const none = h('p', { class: 'nbt-empty' }, 'No packages were recorded.');
  panel.append(section('Packages', packages.length > 0 ? filteredTable('Packages', ['Package', 'Version'], packages) : none));
}

function gitFacts(git: NonNullable<Environment['git']>): HTMLElement {
  const state = git.dirty === true ? 'with changes that were not committed' : git.dirty === false ? 'clean' : null;
  return facts([
    ['Commit', git.commit ? h('code', {}, git.commit) : null],
    ['Branch', git.branch],
    ['Tree', state],
    ['Repository', git.repo],
    ['Changed', git.changed?.join(', ')]
  ]);
}

function titled(name: string): string {
  const words = name.replaceAll('_', ' ');
  return /^(gpu|cpu|ram|cuda)\b/i.test(words) ? words.replace(/^\w+/, w => w.toUpperCase()) : words.charAt(0).toUpperCase() + words.slice(1);
}

/** The params of a run. */
export function showParams(panel: HTMLElement, { params }: FullRun): void {
  if (params.length > 0) panel.replaceChildren(filteredTable('Params', ['Param', 'Value'], params));
  else panel.replaceChildren(h('p', { class: 'nbt-empty' }, 'This run has logged no params.'));
}
