// SPDX-License-Identifier: MIT
// The backend against a TLS server in this process, with a certificate made here.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "servers.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas;
using namespace llmnas::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A self-signed certificate for the name localhost and its key, as two PEM files.
void write_certificate(const std::string& certificate_file, const std::string& key_file) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
    X509* const c = certificate.get();
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
    X509_gmtime_adj(X509_getm_notBefore(c), -3600);
    X509_gmtime_adj(X509_getm_notAfter(c), 3600);
    X509_set_pubkey(c, key.get());
    X509_NAME* const name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                               0);
    X509_set_subject_name(c, name);
    X509_set_issuer_name(c, name);
    X509_NAME_free(name);
    REQUIRE(X509_sign(c, key.get(), EVP_sha256()) > 0);
    struct closer {
        void operator()(std::FILE* f) const { std::fclose(f); }
    };
    using file = std::unique_ptr<std::FILE, closer>;
    REQUIRE(PEM_write_X509(file(std::fopen(certificate_file.c_str(), "w")).get(), c) == 1);
    REQUIRE(PEM_write_PrivateKey(file(std::fopen(key_file.c_str(), "w")).get(), key.get(), nullptr, nullptr, 0, nullptr,
                                 nullptr) == 1);
}

/// Trusts one certificate file for a scope.
class trust {
public:
    explicit trust(const std::string& file) { ::setenv("SSL_CERT_FILE", file.c_str(), 1); }
    ~trust() { ::unsetenv("SSL_CERT_FILE"); }
    trust(const trust&) = delete;
    trust& operator=(const trust&) = delete;
};

class tls_server {
public:
    tls_server(const std::string& certificate_file, const std::string& key_file)
        : server_(certificate_file.c_str(), key_file.c_str()) {
        server_.Post("/v1/chat/completions", [](const httplib::Request&, httplib::Response& r) {
            r.set_content(chat_body("over TLS"), "application/json");
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    ~tls_server() {
        server_.stop();
        thread_.join();
    }
    tls_server(const tls_server&) = delete;
    tls_server& operator=(const tls_server&) = delete;

    [[nodiscard]] std::string url(std::string_view host) const { return fmt::format("https://{}:{}", host, port_); }

private:
    httplib::SSLServer server_;
    int port_ = 0;
    std::thread thread_;
};

}  // namespace

TEST_CASE("backend: TLS certificates are verified", "[llm]") {
    const temporary_directory folder;
    const auto certificate = (folder / "cert.pem").string();
    write_certificate(certificate, (folder / "key.pem").string());
    const tls_server server(certificate, (folder / "key.pem").string());
    const auto ask = [&](std::string_view host) {
        auto options = quick(server.url(host));
        return openai_backend::open(options).value().complete(hello());
    };
    SECTION("not trusted") {
        const auto answer = ask("localhost");
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code == errc::unreachable);
        CHECK_THAT(answer.error().text(), ContainsSubstring("certificate is not accepted"));
    }
    SECTION("trusted") {
        const trust t(certificate);
        const auto answer = ask("localhost");
        INFO((answer ? std::string() : answer.error().text()));
        REQUIRE(answer);
        CHECK(answer->text == "over TLS");
    }
    SECTION("trusted for another name") {
        const trust t(certificate);
        const auto answer = ask("127.0.0.1");
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code == errc::unreachable);
    }
}

TEST_CASE("backend: a TLS connection reset under a request does not end the program", "[llm]") {
    const temporary_directory folder;
    const auto certificate = (folder / "cert.pem").string();
    write_certificate(certificate, (folder / "key.pem").string());
    const trust t(certificate);
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
    REQUIRE(SSL_CTX_use_certificate_file(tls.get(), certificate.c_str(), SSL_FILETYPE_PEM) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(tls.get(), (folder / "key.pem").string().c_str(), SSL_FILETYPE_PEM) == 1);
    const socket_server server(socket_server::raw_behaviour([&tls](int peer) {
        SSL* const session = SSL_new(tls.get());
        SSL_set_fd(session, peer);
        SSL_accept(session);
        SSL_free(session);
        // First the end of the stream, then a reset, as data is left unread: EPIPE in the peer that still writes.
        ::shutdown(peer, SHUT_WR);
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }));
    struct ::sigaction before {};
    struct ::sigaction deadly {};
    deadly.sa_handler = SIG_DFL;
    REQUIRE(::sigaction(SIGPIPE, &deadly, &before) == 0);
    auto options = quick("https://localhost" + server.url().substr(server.url().rfind(':')));
    options.retry = retry_policy::never();
    auto request = hello();
    request.messages[1].content.assign(20'000'000, 'x');
    const auto answer = openai_backend::open(options).value().complete(request);
    ::sigaction(SIGPIPE, &before, nullptr);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::server);
}
