import { describePooler } from './pooler-suite.ts';

describePooler('the local proxy', (bed, maxConnections) =>
  bed.startProxy({ maxConnections, forwardCancel: true }),
);
