// The files of envelopes: encrypted ones by version, signed-only ones together.
import { NOW, receiver, registry } from '../world.mjs';
import { arrivalFaults, bindingFaults, orderOfChecks, weakKeys } from './arrival.mjs';
import { ABOUT, Book } from './book.mjs';
import { contentCases, contentFaults } from './content.mjs';
import { encryptionFaults } from './encryption.mjs';
import { goodKinds, kindFaults } from './kinds.mjs';
import { formOrder, memberFaults } from './members.mjs';
import { goodMessages } from './messages.mjs';
import { calledServices, refusalCases, requestCases } from './replies.mjs';
import { scopeCases } from './scopes.mjs';
import { signatureFaults } from './signatures.mjs';
import { syntaxFaults } from './syntax.mjs';
import { floorCases, relabelled } from './versions.mjs';

function bookOf(version, sealed) {
  const book = new Book(version, sealed);
  goodMessages(book);
  const byKind = goodKinds(book);
  const full = book.good[1];
  memberFaults(book, full, byKind.request);
  formOrder(book);
  syntaxFaults(book);
  relabelled(book);
  floorCases(book);
  kindFaults(book, byKind);
  arrivalFaults(book);
  signatureFaults(book);
  orderOfChecks(book);
  if (sealed) encryptionFaults(book);
  contentFaults(book);
  if (version > 1) return book;
  // The same in all versions.
  bindingFaults(book);
  weakKeys(book);
  requestCases(book);
  if (!sealed) refusalCases(book);
  calledServices(book);
  scopeCases(book);
  contentCases(book);
  return book;
}

const shared = (sealed) => ({ now: NOW, receiver: { ...receiver, allowCleartext: !sealed }, registry });

function versionFile(version) {
  const { suite, good, bad } = bookOf(version, true);
  return { about: ABOUT, version, suite, ...shared(true), good, bad };
}

export function envelopeFiles() {
  const signedOnly = [1, 2, 3].map((version) => bookOf(version, false));
  return {
    'v1.json': versionFile(1),
    'v2.json': versionFile(2),
    'v3.json': versionFile(3),
    'signed-only.json': {
      about: ABOUT,
      ...shared(false),
      good: signedOnly.flatMap(({ good }) => good),
      bad: signedOnly.flatMap(({ bad }) => bad),
    },
  };
}
