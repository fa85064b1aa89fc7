import type { Choices } from '../../src/project/choices.ts';
import { getTemplate } from '../../src/scaffold/catalog.ts';
import type { Files } from '../../src/scaffold/files.ts';
import { terraformLayers } from '../../src/scaffold/layers/terraform.ts';
import { type ChoiceFlags, resolveChoices } from '../../src/scaffold/resolve-choices.ts';
import { answersFor, renderProject } from './generate.ts';

const preset = 'terraform-aurora-fastapi';

/** The preset with other answers, as `init` writes it; with a runtime that provider 5.100 knows. */
export function renderTerraform(flags: ChoiceFlags = {}, name = 'shop'): Promise<Files> {
  const answers = answersFor(preset, flags, name);
  const { language } = answers.choices;
  return renderProject({ ...answers, runtime: language === 'node' ? 'nodejs22.x' : 'python3.13' });
}

export const choicesOf = (flags: ChoiceFlags): Choices => resolveChoices(getTemplate(preset), flags).choices;

/** By title, answers of which each makes another stack of Terraform's layers; together they make them all. */
export function everyStack(): Map<string, ChoiceFlags> {
  const stacks = new Map<string, ChoiceFlags>();
  for (const flags of [...managed(), ...outside()]) {
    const { choices } = resolveChoices(getTemplate(preset), flags);
    stacks.set(
      terraformLayers(choices)
        .map((layer) => layer.replace('terraform/', ''))
        .join(' '),
      flags,
    );
  }
  return stacks;
}

const languages: readonly ChoiceFlags[] = [
  { language: 'python', framework: 'fastapi', packaging: 'layer' },
  { language: 'python', framework: 'none', packaging: 'zip' },
  { language: 'node', framework: 'none', packaging: 'zip' },
];

function managed(): ChoiceFlags[] {
  const networks: ChoiceFlags[] = [
    { network: 'isolated' },
    { network: 'nat' },
    { network: 'existing', subnets: 'subnet-0a1,subnet-0a2' },
  ];
  return ['rds', 'aurora'].flatMap((database) =>
    [true, false].flatMap((proxy) =>
      ['secret', 'iam'].flatMap((auth) =>
        networks.flatMap((network, index) =>
          (database === 'aurora' ? [true, false] : [false]).map((reader) => ({
            database,
            proxy,
            auth,
            reader,
            ...network,
            ...languages[index],
          })),
        ),
      ),
    ),
  );
}

const outside = (): ChoiceFlags[] =>
  ['heroku', 'url'].flatMap((database) =>
    languages.map((language) => ({ database, proxy: false, ...language })),
  );
