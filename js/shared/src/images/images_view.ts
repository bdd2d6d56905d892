import { placeAt } from './series';

/** How images are looked at: what somebody has made of it, to begin with that another time. */
export interface ImagesView {
  /** The step of each slider that does not stand at its end, by key; the one of a comparison has the key `''`. */
  steps: Record<string, number>;
  /** So many times as large as the whole image is. */
  zoom: number;
  /** What stands in the middle, as parts of the width and the height of an image. */
  centre: number[];
  /** The width of the images of a comparison, in pixels. */
  size: number;
}

/** The whole images, each at its last step. */
export const WHOLE_IMAGES: ImagesView = { steps: {}, zoom: 1, centre: [0.5, 0.5], size: 168 };

/** A view with other steps: a slider that stands at its end goes on with what is logged, and is not kept. */
export function withStep(view: ImagesView, key: string, step: number | null): ImagesView {
  const steps = Object.fromEntries(Object.entries(view.steps).filter(([other]) => other !== key));
  return { ...view, steps: step === null ? steps : { ...steps, [key]: step } };
}

/** Where a slider begins that is to stand at a step; null where nothing is said of it. */
export function placeToBegin(view: Partial<ImagesView>, key: string, steps: readonly { step: number }[]): number | null {
  const step: unknown = view.steps?.[key];
  return typeof step === 'number' && steps.length > 0 ? Math.max(0, placeAt(steps, step)) : null;
}
