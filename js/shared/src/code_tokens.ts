export type TokenKind = 'comment' | 'string' | 'number' | 'keyword' | 'name' | '';

export interface Token {
  kind: TokenKind;
  text: string;
}

const KEYWORDS: Record<string, string> = {
  python:
    'and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield True False None',
  sql: 'SELECT FROM WHERE AND OR NOT NULL JOIN LEFT RIGHT INNER OUTER ON USING GROUP BY ORDER LIMIT AS WITH UNION ALL INSERT INTO VALUES UPDATE SET DELETE CREATE TABLE VIEW DISTINCT CASE WHEN THEN ELSE END IN LIKE IS',
  javascript:
    'async await break case catch class const continue default delete do else export extends finally for from function if import in instanceof let new of return static super switch this throw try typeof var void while yield true false null undefined',
  bash: 'if then else elif fi for in do done while case esac function return export local echo cd',
  json: 'true false null',
  yaml: 'true false null yes no',
  toml: 'true false'
};
const HASH = new Set(['python', 'bash', 'yaml', 'toml']);

/** Cut code into what is coloured alike; together the tokens are the code, letter by letter. */
export function tokensOf(source: string, language: string): Token[] {
  const kind = language === 'typescript' ? 'javascript' : language;
  const words = new Set((KEYWORDS[kind] ?? '').split(' '));
  const comment = HASH.has(kind) ? '#[^\\n]*' : kind === 'sql' ? '--[^\\n]*' : kind === 'json' ? '(?!)' : '//[^\\n]*|/\\*[\\s\\S]*?\\*/';
  const text = '"""[\\s\\S]*?(?:"""|$)|\'\'\'[\\s\\S]*?(?:\'\'\'|$)|"(?:\\\\.|[^"\\\\\\n])*"?|\'(?:\\\\.|[^\'\\\\\\n])*\'?|`(?:\\\\.|[^`\\\\])*`?';
  const pattern = new RegExp(`(${comment})|((?:\\b[rbfuRBFU]{1,2})?(?:${text}))|(\\b(?:0[xXbBoO][\\da-fA-F_]+|\\d[\\d_.]*(?:[eE][+-]?\\d+)?[jLn]?))|([A-Za-z_$][\\w$]*)`, 'g');
  const found: Token[] = [];
  let at = 0;
  for (const match of source.matchAll(pattern)) {
    if (match.index > at) found.push({ kind: '', text: source.slice(at, match.index) });
    found.push({ kind: kindOf(match, words, source), text: match[0] });
    at = match.index + match[0].length;
  }
  if (at < source.length) found.push({ kind: '', text: source.slice(at) });
  return found;
}

function kindOf(match: RegExpMatchArray, words: ReadonlySet<string>, source: string): TokenKind {
  const [all, comment, text, number] = match;
  if (comment !== undefined) return 'comment';
  if (text !== undefined) return 'string';
  if (number !== undefined) return 'number';
  if (words.has(all)) return 'keyword';
  return source[(match.index ?? 0) + all.length] === '(' ? 'name' : '';
}
