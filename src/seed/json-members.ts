/*
 * Cuts JSON that JSON.parse has found valid into its parts, each as it is written: JSON.parse would turn
 * 12345678901234567890 and 1.10 into other numbers.
 */

/** Name and raw value of each member of an object. */
export function splitMembers(object: string): [name: string, raw: string][] {
  const members: [string, string][] = [];
  let at = skipBlanks(object, skipBlanks(object, 0) + 1);
  while (object[at] !== '}') {
    const nameEnd = findValueEnd(object, at);
    const name: string = JSON.parse(object.slice(at, nameEnd));
    const valueStart = skipBlanks(object, skipBlanks(object, nameEnd) + 1);
    const valueEnd = findValueEnd(object, valueStart);
    members.push([name, object.slice(valueStart, valueEnd)]);
    at = skipComma(object, valueEnd);
  }
  return members;
}

/** Raw elements of an array. */
export function splitElements(array: string): string[] {
  const elements: string[] = [];
  let at = skipBlanks(array, skipBlanks(array, 0) + 1);
  while (array[at] !== ']') {
    const end = findValueEnd(array, at);
    elements.push(array.slice(at, end));
    at = skipComma(array, end);
  }
  return elements;
}

function skipBlanks(text: string, at: number): number {
  let next = at;
  while (next < text.length && ' \t\n\r'.includes(text.charAt(next))) next += 1;
  return next;
}

function skipComma(text: string, at: number): number {
  const next = skipBlanks(text, at);
  return text[next] === ',' ? skipBlanks(text, next + 1) : next;
}

function findValueEnd(text: string, start: number): number {
  if (text[start] === '"') return findStringEnd(text, start);
  if (text[start] !== '{' && text[start] !== '[') {
    let end = start;
    while (end < text.length && !',]} \t\n\r'.includes(text.charAt(end))) end += 1;
    return end;
  }
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') at = findStringEnd(text, at) - 1;
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

function findStringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}
