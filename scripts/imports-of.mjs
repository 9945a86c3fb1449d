// Lists every module that a TypeScript source names, in whatever form, with its line.
import { parseSync } from '@swc/core';

/** @returns {{ specifier: string, line: number }[]} */
export function importsOf(source) {
  const bytes = Buffer.from(source);
  const found = [];
  walk(parseSync(source, { syntax: 'typescript', target: 'es2022' }), (node) => {
    const literal = moduleName(node);
    if (literal) found.push({ specifier: literal.value, line: lineAt(bytes, literal.span.start) });
  });
  return found;
}

function moduleName(node) {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return node.source;
    case 'TsImportType':
      return node.argument;
    case 'TsExternalModuleReference':
      return node.expression;
    case 'CallExpression':
      return isImportCall(node) && node.arguments[0]?.expression.type === 'StringLiteral'
        ? node.arguments[0].expression
        : undefined;
    default:
      return undefined;
  }
}

function isImportCall({ callee }) {
  return callee.type === 'Import' || (callee.type === 'Identifier' && callee.value === 'require');
}

function walk(node, visit) {
  if (node === null || typeof node !== 'object') return;
  if (typeof node.type === 'string') visit(node);
  for (const child of Object.values(node)) walk(child, visit);
}

// swc counts bytes, from one.
function lineAt(bytes, position) {
  return bytes
    .subarray(0, position - 1)
    .toString()
    .split('\n').length;
}
