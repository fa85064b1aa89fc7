/** Whether a person is there to be asked: a terminal at both ends and no CI. */
export function isInteractive(
  env: Readonly<Record<string, string | undefined>>,
  input: { readonly isTTY?: boolean },
  output: { readonly isTTY?: boolean },
): boolean {
  const inCi = env.CI !== undefined && env.CI !== '' && env.CI !== '0' && env.CI !== 'false';
  return !inCi && input.isTTY === true && output.isTTY === true;
}
