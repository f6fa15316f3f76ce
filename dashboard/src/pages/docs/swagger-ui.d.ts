declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  /** Draws the reference of a document. */
  export default function SwaggerUI(options: Record<string, unknown>): unknown;
}
