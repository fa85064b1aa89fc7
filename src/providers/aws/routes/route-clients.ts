import type { Aws } from '../clients.ts';
import type { RouteClients } from './choose-route.ts';

/** An account's clients for the routes to its databases. */
export function routeClients(aws: Aws): RouteClients {
  return {
    lambda: () => aws.write.lambda,
    rdsData: async () => {
      const { RDSDataClient } = await import('@aws-sdk/client-rds-data');
      return new RDSDataClient({ region: aws.region, credentials: aws.credentials, maxAttempts: 1 });
    },
  };
}
