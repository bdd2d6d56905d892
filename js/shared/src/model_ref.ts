import type { ModelRef } from './requests';

/** What names a model in a request. */
export function refOf(ref: ModelRef): ModelRef {
  return 'model_id' in ref ? { model_id: ref.model_id } : { name: ref.name, version: ref.version };
}
