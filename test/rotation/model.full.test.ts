import { sweep } from './model-sweep.ts';

sweep([
  ['three', 'slots', ['follows', 'staged', 'copy'], false],
  ['three, whose sessions are all ended', 'slots', ['follows', 'staged', 'copy'], false, 'all'],
  ['four', 'slots', ['follows', 'staged', 'copy', 'staged'], false],
  ['three behind a proxy', 'slots', ['follows', 'staged', 'copy'], true],
  ['one role, four', 'next', ['follows', 'copy', 'copy', 'staged'], false],
]);
