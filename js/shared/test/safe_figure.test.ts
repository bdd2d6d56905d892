import { describe, expect, it } from 'vitest';
import { safeFigure, safeText } from '../src/details/safe_figure';

describe('texts of a figure', () => {
  it('keep plain tags, and lose attributes, links and styles', () => {
    expect(safeText('%{y}<extra></extra>')).toBe('%{y}<extra></extra>');
    expect(safeText('<b>x</b><br>H<sub onclick="evil()">2</sub>')).toBe('<b>x</b><br>H<sub>2</sub>');
    expect(safeText('<a href="javascript:evil()">go</a>')).toBe('go');
    expect(safeText('<span style="mask:url(https://evil.example/x)">s</span>')).toBe('s');
  });

  it('have no tag that comes together from two pieces, or when another is taken out', () => {
    const whole = safeText('<%{customdata}') + safeText('span style="cursor:url(https://evil.example)">x');
    expect(whole).not.toContain('<');
    for (const text of ['<sp<a>an style="x">', '<<a>a href="x">', '<script>evil()</script>', '<img src=x onerror=evil()>']) {
      expect(safeText(text).replace(/<\/?(b|i|br)>/g, '')).not.toContain('<');
    }
  });

  it('that are numbers or categories are read as they are', () => {
    expect(safeText('5 < x > 3')).toBe('5 &lt; x > 3');
    expect(safeText('$\\alpha$ 100 %')).toBe('$\\alpha$ 100 %');
  });
});

it('a figure fetches nothing and reaches into no prototype, also by its buttons', () => {
  const hostile = JSON.parse(`{
    "data": [{"type": "scatter", "x": [1, 2], "text": ["<a href='x'>1</a>", "2"], "source": "https://evil.example/a.png"},
             {"type": "sankey", "link": {"source": [0, 1], "target": [2, 3]}}],
    "layout": {
      "images": [{"source": "https://evil.example/b.png"}],
      "template": {"layout": {"images": [{"source": "https://evil.example/c.png"}], "mapbox": {"style": "https://evil.example"}}},
      "updatemenus": [{"buttons": [{"method": "relayout", "args": [{"images[0].source": "https://evil.example/d.png", "title.text": "t"}]}]}],
      "__proto__": {"polluted": 1}, "title": {"text": "ok"}
    }}`) as Record<string, unknown>;
  const safe = safeFigure(hostile);
  expect(JSON.stringify(safe)).not.toMatch(/evil|__proto__|polluted/);
  expect(safe).toEqual({
    data: [{ type: 'scatter', x: [1, 2], text: ['1', '2'] }, { type: 'sankey', link: { source: [0, 1], target: [2, 3] } }],
    layout: { template: { layout: {} }, updatemenus: [{ buttons: [{ method: 'relayout', args: [{ 'title.text': 't' }] }] }], title: { text: 'ok' } }
  });
});

it('a figure that is nested without end is cut', () => {
  let deep: unknown = 'x';
  for (let i = 0; i < 5000; i++) deep = [deep];
  expect(JSON.stringify(safeFigure(deep)).length).toBeLessThan(200);
});
