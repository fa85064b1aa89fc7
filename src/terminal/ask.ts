import { Cancelled } from '../errors.ts';

interface Asked {
  readonly message: string;
  readonly choices?: readonly string[];
  readonly fallback: string;
  readonly findFault: (value: string) => string | undefined;
}

/**
 * Asks one question on the terminal; Enter takes the fallback.
 *
 * @throws Cancelled on Ctrl-C or Escape
 */
export async function ask(question: Asked): Promise<string> {
  const { default: enquirer } = await import('enquirer');
  const common = {
    name: 'answer',
    message: question.message,
    initial: question.fallback,
    stdout: process.stderr,
    validate: (value: string) => question.findFault(value) ?? true,
  };
  const prompt =
    question.choices === undefined
      ? { ...common, type: 'input' }
      : {
          ...common,
          type: 'select',
          choices: [...question.choices],
          initial: question.choices.indexOf(question.fallback),
        };
  try {
    const { answer } = await enquirer.prompt<{ answer: string }>(
      prompt as Parameters<typeof enquirer.prompt>[0],
    );
    return answer;
  } catch (error) {
    // enquirer rejects with nothing on Ctrl-C and Escape.
    if (error instanceof Error && error.message !== '') throw error;
    throw new Cancelled();
  }
}
