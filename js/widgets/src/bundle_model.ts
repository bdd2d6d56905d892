import type { AnyModel } from '@anywidget/types';
import type { ViewTraits } from '@nbtrack/shared/view_data';

const PREFIX = 'IPY_MODEL_';

/** A model as front ends keep it; whether its kernel is there is not known everywhere. */
export type BundleModel = AnyModel<{ code: string }> & { comm_live?: boolean };

/** The model that carries the code of all views; null where front ends keep no models. */
export async function bundleModel(model: AnyModel<ViewTraits>): Promise<BundleModel | null> {
  try {
    const id = model.get('bundle').slice(PREFIX.length);
    return await model.widget_manager.get_model<{ code: string }>(id);
  } catch {
    return null;
  }
}
