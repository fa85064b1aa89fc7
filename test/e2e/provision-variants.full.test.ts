import { testVariants } from './provision-variants.ts';

testVariants([
  ['RDS behind a proxy with IAM from end to end', ['--proxy', '--auth', 'iam']],
  ['RDS with IAM, a NAT gateway and a replica', ['--auth', 'iam', '--network', 'nat', '--reader']],
  ['Aurora that may pause', ['--database', 'aurora', '--min-acu', '0']],
]);
