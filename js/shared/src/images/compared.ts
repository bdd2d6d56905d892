import { byName } from '../format';
import type { RunImages } from '../requests';
import { imagesOf, type ImageStep, type KeyedImages, placeAt } from './series';

/** What one run has to show of one key at a step, or why it has nothing. */
export type ComparedCell = { at: ImageStep; exact: boolean } | { nothing: string };

/** The images of several runs by key. */
export class ComparedImages {
  /** The keys that some of them have, in order. */
  readonly keys: string[];
  /** The steps at which some of them have an image. */
  readonly steps: number[];
  private readonly runs: Map<string, { images: Map<string, KeyedImages>; problem: string | null }>;

  constructor(runs: readonly RunImages[]) {
    this.runs = new Map(runs.map(run => [run.run_id, { images: new Map(imagesOf(run).map(one => [one.key, one])), problem: run.problem }]));
    const all = [...this.runs.values()].flatMap(({ images }) => [...images.values()]);
    this.keys = [...new Set(all.map(({ key }) => key))].sort(byName);
    this.steps = [...new Set(all.flatMap(({ steps }) => steps.map(({ step }) => step)))].sort((a, b) => a - b);
  }

  /** What a run shows at a step: the image that was the newest then. */
  at(run: string, key: string, step: number): ComparedCell {
    const found = this.runs.get(run);
    if (!found) return { nothing: 'no images' };
    if (found.problem) return { nothing: found.problem };
    const steps = found.images.get(key)?.steps;
    if (!steps) return { nothing: 'not logged' };
    const at = steps[placeAt(steps, step)];
    return at ? { at, exact: at.step === step } : { nothing: `nothing before step ${steps[0]!.step}` };
  }
}
