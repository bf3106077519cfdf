import { z } from 'zod';
import { EVENTS, topicOf, type EventType } from './event-catalogue.js';
import { envelopeSchema } from './event-envelope.js';
import { TOPICS, type Topic } from './words.js';

const DESCRIPTIONS: Record<Topic, string> = {
  requests:
    'What is asked and decided: written by the ingress and the coordinator, keyed tenant:subject, kept for ever.',
  outcomes:
    'What connectors did and saw: each instance writes its own and nothing else, keyed tenant:subject, kept for ever.',
};

/** `sever.optout.requested.v1` -> `optoutRequestedV1`. */
const messageName = (type: EventType): string =>
  type
    .replace(/^sever\./, '')
    .split(/[.-]/)
    .map((word, i) => (i === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('');

/** JSON Schema of the complete event of one type. */
export function eventJsonSchema(type: EventType): Record<string, unknown> {
  const schema = envelopeSchema.extend({ type: z.literal(type), data: EVENTS[type] });
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'output' });
  return rest;
}

function message(type: EventType): Record<string, unknown> {
  return {
    name: type,
    title: type,
    contentType: 'application/cloudevents+json',
    payload: eventJsonSchema(type),
  };
}

function channel(topic: Topic, types: readonly EventType[]): Record<string, unknown> {
  const messages = types.map(type => [
    messageName(type),
    { $ref: `#/components/messages/${messageName(type)}` },
  ]);
  return { address: topic, description: DESCRIPTIONS[topic], messages: Object.fromEntries(messages) };
}

/** AsyncAPI 3.0 document of the log, derived from the event schemas. */
export function asyncApiDocument(): Record<string, unknown> {
  const types = Object.keys(EVENTS).sort() as EventType[];
  const of = (topic: Topic): EventType[] => types.filter(type => topicOf(type) === topic);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Sever event log',
      version: '1.0.0',
      description:
        'CloudEvents 1.0 in structured JSON mode; a record value is the RFC 8785 bytes of the complete event.',
    },
    defaultContentType: 'application/cloudevents+json',
    channels: Object.fromEntries(TOPICS.map(topic => [topic, channel(topic, of(topic))])),
    operations: Object.fromEntries(
      TOPICS.map(topic => [
        `receive-${topic}`,
        { action: 'receive', channel: { $ref: `#/channels/${topic}` } },
      ]),
    ),
    components: { messages: Object.fromEntries(types.map(type => [messageName(type), message(type)])) },
  };
}
