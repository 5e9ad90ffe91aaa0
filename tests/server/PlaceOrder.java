import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** Places orders with Java's own client, which offers HTTP/2 with each request by default. */
class PlaceOrder {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        String order = arguments[1];
        for (int time = 0; time < 2; time++) {
            send(client, arguments[0], BodyPublishers.ofString(order), false);
            // Of unknown length, so in chunks.
            send(
                client,
                arguments[0],
                BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(order.getBytes())),
                false);
            send(client, arguments[0], BodyPublishers.ofString(order), true);
        }
    }

    private static void send(HttpClient client, String url, BodyPublisher body, boolean asksFirst)
        throws Exception {
        HttpRequest request =
            HttpRequest.newBuilder(URI.create(url))
                .header("Content-Type", "application/json")
                .expectContinue(asksFirst)
                .POST(body)
                .build();
        System.out.println(client.send(request, BodyHandlers.ofString()).statusCode());
    }
}
