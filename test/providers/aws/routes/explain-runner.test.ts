import { describe, expect, test } from 'vitest';
import { UserError } from '../../../../src/errors.ts';
import { explainCrash, explainInvokeError } from '../../../../src/providers/aws/routes/explain-runner.ts';

describe('a runner that cannot be asked, or does not answer', () => {
  const failure = (errorName: string, message: string, status?: number): Error =>
    Object.assign(new Error(message), {
      name: errorName,
      ...(status && { $metadata: { httpStatusCode: status } }),
    });

  test.each([
    [failure('AccessDeniedException', 'not authorized', 403), 'RUNNER_REFUSED', 1],
    [failure('TooManyRequestsException', 'Rate Exceeded.', 429), 'RUNNER_BUSY', 75],
    [failure('ResourceConflictException', 'Pending', 409), 'RUNNER_BUSY', 75],
    [failure('ServiceException', 'oops', 500), 'RUNNER_ANSWER_LOST', 75],
    [Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }), 'RUNNER_ANSWER_LOST', 75],
  ])('%s', (error, code, exit) => {
    const explained = explainInvokeError(error, 'my-runner');
    expect(explained).toBeInstanceOf(UserError);
    expect(explained).toMatchObject({ code, exit });
    expect((explained as UserError).message).toContain('my-runner');
  });

  test('errors of credentials and of requests stay what they are', () => {
    for (const error of [
      failure('CredentialsProviderError', 'none'),
      failure('ValidationException', 'x', 400),
    ])
      expect(explainInvokeError(error, 'r')).toBe(error);
  });

  test.each([
    [
      '{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: x Error: Task timed out after 900.00 seconds"}',
      'RUNNER_TIME_OVER',
    ],
    [
      '{"errorType":"Runtime.ExitError","errorMessage":"RequestId: x Error: Runtime exited with error: signal: killed"}',
      'RUNNER_CRASHED',
    ],
    ['not json', 'RUNNER_CRASHED'],
  ])('%s', (payload, code) => {
    expect(explainCrash('r', payload)).toMatchObject({ code, exit: 75 });
  });
});
