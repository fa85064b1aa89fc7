import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ListedProduct {
  readonly serviceCode: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** By `beginRange`. */
  readonly tiers?: Readonly<Record<string, string>>;
  readonly currency?: string;
}

interface Question {
  readonly ServiceCode: string;
  readonly Filters: readonly { Type: string; Field: string; Value: string }[];
  readonly NextToken?: string;
}

/** How to answer a question other than by the list. */
export type Trouble = 'refuse' | 'silence' | undefined;

/**
 * The Price List API's GetProducts over HTTP (JSON 1.1), two products a page, over products of the test's making.
 * Form of an answer: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api-procedures.html
 */
export async function startPriceListServer(products: readonly ListedProduct[]) {
  const questions: Question[] = [];
  let trouble: Trouble;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const question = JSON.parse(Buffer.concat(chunks).toString()) as Question;
    questions.push(question);
    if (trouble === 'silence') return;
    const known = request.headers['x-amz-target'] === 'AWSPriceListService.GetProducts';
    const body =
      trouble === 'refuse' || !known
        ? {
            __type: 'AccessDeniedException',
            Message:
              'User: arn:aws:iam::123456789012:user/x is not authorized to perform: pricing:GetProducts',
          }
        : answer(products, question);
    response.writeHead('__type' in body ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    questions,
    trouble: (next: Trouble) => {
      trouble = next;
    },
    stop: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

const pageSize = 2;

function answer(products: readonly ListedProduct[], question: Question) {
  const fitting = products.filter(
    (product) =>
      product.serviceCode === question.ServiceCode &&
      question.Filters.every(({ Type, Field, Value }) => {
        const held = product.attributes[Field] ?? '';
        return Type === 'CONTAINS' ? held.includes(Value) : held === Value;
      }),
  );
  const from = Number(question.NextToken ?? 0);
  const page = fitting.slice(from, from + pageSize).map((product) => JSON.stringify(offerOf(product)));
  const more = from + pageSize < fitting.length;
  return {
    FormatVersion: 'aws_v1',
    PriceList: page,
    ...(more ? { NextToken: String(from + pageSize) } : {}),
  };
}

function offerOf(product: ListedProduct) {
  const sku = `SKU${Object.values(product.attributes).join('')}`;
  const dimension = ([beginRange, price]: [string, string]) => ({
    unit: 'Hrs',
    beginRange,
    endRange: 'Inf',
    description: `${price} per unit`,
    appliesTo: [],
    rateCode: `${sku}.JRTCKXETXF.${beginRange}`,
    pricePerUnit: { [product.currency ?? 'USD']: price },
  });
  const priceDimensions = Object.fromEntries(
    Object.entries(product.tiers ?? { '0': '1' }).map((tier) => [`${sku}.${tier[0]}`, dimension(tier)]),
  );
  const term = {
    sku,
    effectiveDate: '2026-11-01T00:00:00Z',
    offerTermCode: 'JRTCKXETXF',
    termAttributes: {},
  };
  return {
    product: { productFamily: 'Family', attributes: product.attributes, sku },
    serviceCode: product.serviceCode,
    terms: {
      OnDemand: { [`${sku}.JRTCKXETXF`]: { ...term, priceDimensions } },
      Reserved: {
        [`${sku}.4NA7Y494T4`]: {
          ...term,
          priceDimensions: { reserved: { ...dimension(['0', '0.0001']), unit: 'Quantity' } },
        },
      },
    },
    version: '20261101000000',
    publicationDate: '2026-11-01T00:00:00Z',
  };
}
