"use strict";

// Pages for users come before decisions and the list of messages: those have more words than all others.
var Scorer = {
  score: ([docname, , , , score]) => (/^decisions\/|\/messages$/.test(docname) ? score - 12 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2
};
