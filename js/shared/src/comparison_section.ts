import { h } from './dom';

export const SECTIONS = ['curves', 'images', 'parallel', 'scatter', 'importance', 'diff'] as const;
export type SectionName = (typeof SECTIONS)[number];

const SECTION_TITLES: Record<SectionName, string> = {
  curves: 'Curves',
  images: 'Images',
  parallel: 'Parallel coordinates',
  scatter: 'Param against metric',
  importance: 'Param importance',
  diff: 'Differences'
};
const HALF = new Set<SectionName>(['scatter', 'importance']);

/** A part of a comparison below the table, with a heading; it can be hidden. */
export class Section {
  readonly body = h('div', {});
  private readonly note = h('small', {});
  private readonly element: HTMLElement;

  constructor(name: SectionName, parent: HTMLElement) {
    const title = SECTION_TITLES[name];
    this.element = h('section', { class: 'nbt-cmp-part', 'data-section': name, 'data-half': HALF.has(name), 'aria-label': title }, h('h4', {}, title, this.note), this.body);
    parent.append(this.element);
  }

  setNote(text: string): void {
    this.note.textContent = text;
  }

  /** Say that what stands here is known: no room is held for it any more. */
  settle(): void {
    this.element.dataset['settled'] = '';
  }

  show(shown: boolean): void {
    this.element.hidden = !shown;
  }
}

/** A button for each part, that shows and hides it. */
export function sectionToggles(pressed: (name: SectionName) => void): Record<SectionName, HTMLElement> {
  const pairs = SECTIONS.map(name => {
    const button: HTMLElement = h('button', { type: 'button', 'aria-pressed': 'true' }, SECTION_TITLES[name]);
    button.addEventListener('click', () => pressed(name));
    return [name, button] as const;
  });
  return Object.fromEntries(pairs) as Record<SectionName, HTMLElement>;
}
