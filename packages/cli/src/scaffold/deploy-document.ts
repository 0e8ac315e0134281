import { type Content, callerVariables } from './content.ts'
import { extensionContent } from './extensions.ts'
import { platformSteps, variableRow } from './project.ts'
import { targets } from './targets.ts'

/** `extensions/{extension}/deploy/README.md`: where a newcomer finds how it is deployed. */
export function deployDocument(extension: string): string {
  const content = extensionContent(extension)
  const { variables, functionVariables = [], prefix, actionTypes } = content
  const [, key] = callerVariables(prefix)
  const rows = Object.entries(targets).map(
    ([target, { summary }]) =>
      `| ${summary} | \`preflow new my-guard --extension ${extension} --target ${target}\` |\n`,
  )
  return `# Deploy ${extension}

<!-- Made by tools/deploy-documents.ts from packages/cli/src/scaffold. -->

\`preflow new\` writes a project of your own that runs ${extension}: the program for the place, its tests, a CI file, the files that the place wants,
a key, and a README with every step in the consoles of the place and of the platform.

| where | command |
|---|---|
${rows.join('')}
From a clone of this repository, whose packages then travel in the project:

\`\`\`sh
npm ci
npm run preflow -- new my-guard --extension ${extension} --target lambda --dir ../my-guard
\`\`\`

The same suite asks ${extension} the same things on each of these targets before a change lands here.

## Settings to have at hand

| variable | what it does |
|---|---|
${variables.map(variableRow).join('')}${functionVariables.length > 0 ? `\nWhere it is a function (AWS Lambda, Vercel), also\n\n| variable | what it does |\n|---|---|\n${functionVariables.map(variableRow).join('')}` : ''}
Everything else has a default: see the [README](../README.md).
${notes(content)}
## At the platform

In the console of Asgardeo or WSO2 Identity Server:

${actionTypes.map(type => platformSteps(type, content, key?.name ?? '')).join('\n')}`
}

function notes({ functionNote, state }: Content): string {
  const lines = [
    ...(state ? [`In a container what it keeps is in the volume \`/data\`; \`${state.variable}\` says where.`] : []),
    ...(functionNote ? [functionNote] : []),
  ]
  return lines.map(line => `\n${line}\n`).join('')
}
