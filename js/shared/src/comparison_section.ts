import { h } from './dom';

export const SECTIONS = ['curves', 'parallel', 'scatter', 'importance', 'diff'] as const;
export type SectionName = (typeof SECTIONS)[number];

const TITLES: Record<SectionName, string> = {
  curves: 'Curves',
  parallel: 'Parallel coordinates',
  scatter: 'Param against metric',
  importance: 'Param importance',
  diff: 'Differences'
};
const HALF = new Set<SectionName>(['scatter', 'importance']);

/** A part of a comparison below the table, with a heading; it can be hidden. */
export class Section {
  readonly title: string;
  readonly body = h('div', {});
  private readonly note = h('small', {});
  private readonly element: HTMLElement;

  constructor(name: SectionName, parent: HTMLElement) {
    this.title = TITLES[name];
    this.element = h('section', { class: 'nbt-cmp-part', 'data-section': name, 'data-half': HALF.has(name), 'aria-label': this.title }, h('h4', {}, this.title, this.note), this.body);
    parent.append(this.element);
  }

  setNote(text: string): void {
    this.note.textContent = text;
  }

  show(shown: boolean): void {
    this.element.hidden = !shown;
  }
}
