"use strict";

// Pages for users come before those that have more words than all others: decisions, measurements, lists.
const place = docname =>
  /^decisions\/|\/(messages|CHANGELOG)$|\/benchmarks\//.test(docname) ? -12
  : /^troubleshooting$/.test(docname) ? 3
  : /^(start$|how-to\/)/.test(docname) ? 2
  : 0;
var Scorer = {
  score: ([docname, , , , score]) => score + place(docname),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2
};
