import type { RenderProps } from '@anywidget/types';
import { viewRoot } from '@nbtrack/shared/dom';
import { ModelCardView } from '@nbtrack/shared/model_card';
import { followTheme } from '@nbtrack/shared/theme';
import type { ModelCardTraits, ViewTraits } from '@nbtrack/shared/view_data';
import { CommBackend } from './comm_backend';

/** How often the card of a model that is being written asks how it is. */
const LOOK_MS = 2000;

/** Between the traits of `ModelCard` and the card that shows them. */
function render({ model, el }: RenderProps<ModelCardTraits & ViewTraits>): () => void {
  const root = viewRoot(el, 'card');
  const stopTheme = followTheme(root, () => undefined);
  const backend = new CommBackend(model);
  const card = new ModelCardView(root, async input => (await backend.ask('model.predict', input)).body);
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    // what goes wrong shows in the state, or the kernel is gone and nothing changes any more
    backend.ask('model.refresh', {}).catch(() => undefined);
  };
  const onFacts = (): void => {
    const facts = model.get('facts');
    card.show(facts);
    clearTimeout(waiting);
    if (facts.state === 'PENDING') waiting = setTimeout(look, LOOK_MS);
  };
  const onForm = (): void => card.setForm(model.get('form'));
  model.on('change:facts', onFacts);
  model.on('change:form', onForm);
  onFacts();
  onForm();
  return () => {
    clearTimeout(waiting);
    model.off('change:facts', onFacts);
    model.off('change:form', onForm);
    stopTheme();
    backend.dispose();
  };
}

export default { render };
