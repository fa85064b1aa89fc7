import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createServerCertificate, type KeyPair } from '../../../src/local/postgres/certificates.ts';
import type { Bed } from '../bed.ts';

/** Where the functions of custom resources PUT their answers: the host of every ResponseURL. */
export interface CustomResourceAnswers {
  readonly name: string;
  /** Of this computer: `name:port`, with a certificate of the bed's authority. */
  readonly place: string;
  stop(): void;
}

/** Stands for the bucket of CloudFormation, and hands the answers to the gate. */
export async function startCustomResourceAnswers(
  bed: Bed,
  authority: KeyPair,
): Promise<CustomResourceAnswers> {
  // The form of https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-vpce-bucketnames.html
  const name = `cloudformation-custom-resource-response-${bed.region.replaceAll('-', '')}.s3.${bed.region}.amazonaws.com`;
  const { certificate, key } = await createServerCertificate(authority, [name]);
  const server = createServer({ cert: certificate, key }, async (request, response) => {
    const token = new URL(request.url ?? '/', `https://${name}`).searchParams.get('token');
    const body = await text(request);
    try {
      const known = await bed.control<boolean>('custom-resource-answer', { token, body });
      response.writeHead(request.method === 'PUT' && known ? 200 : 403).end();
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return {
    name,
    place: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
