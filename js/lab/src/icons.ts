import { LabIcon } from '@jupyterlab/ui-components';

// a curve that comes down to its end: what somebody who trains wants to see
export const nbtrackIcon = new LabIcon({
  name: 'nbtrack:icon',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g fill="none" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round">
    <path class="jp-icon3 jp-icon-selectable" stroke="#616161" d="M3.5 3.5v17h17"/>
    <path class="jp-icon3 jp-icon-selectable" stroke="#616161" d="M7.5 4.5c.8 7.4 4 11.4 9 11.8"/>
  </g>
  <circle class="jp-icon3 jp-icon-selectable" fill="#616161" cx="18.4" cy="16.3" r="2.2"/>
</svg>`
});

export const compareIcon = new LabIcon({
  name: 'nbtrack:compare',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g fill="none" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">
    <path class="jp-icon3" stroke="#616161" d="M4 4v16h16"/>
    <path class="jp-icon3" stroke="#616161" d="M7.5 15.5l4-5 3.5 3 5-7"/>
    <path class="jp-icon3" stroke="#616161" d="M7.5 9l4 3.5L15 9l5 5.5" stroke-dasharray="2.5 3"/>
  </g>
</svg>`
});

export const archiveIcon = new LabIcon({
  name: 'nbtrack:archive',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M3 4h18v5H3V4zm2 2v1h14V6H5zm-1 4h2v8h12v-8h2v10H4V10zm5 2h6v2H9v-2z"/>
</svg>`
});
