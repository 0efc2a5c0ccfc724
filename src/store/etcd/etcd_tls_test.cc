// TLS with certificates of our own making.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "store/etcd/testing/etcd_client.h"
#include "store/etcd/testing/etcd_cluster.h"

namespace khronos::store::etcd {
namespace {

using testing::HasSubstr;

// An authority, and what it signs, as files in a folder that goes with it.
class Certificates {
  public:
    Certificates() {
        std::string name = "/tmp/khronos-tls-XXXXXX";
        if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a folder in /tmp");
        folder_ = name;
        openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-days", "3650", "-subj", "/CN=test authority", "-keyout", key("ca"), "-out",
                 cert("ca")});
        write("index", "");
        write("serial", "01");
        write("config",
              "[ca]\ndefault_ca=d\n[d]\ndatabase=" + folder_ + "/index\nserial=" + folder_ +
                  "/serial\nnew_certs_dir=" + folder_ +
                  "\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
                  "[e]\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n");
    }
    ~Certificates() { std::filesystem::remove_all(folder_); }

    // Valid until `end`, YYMMDDHHMMSSZ.
    void make(const std::string& name, const std::string& end = "491231000000Z") {
        openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                 "/CN=" + name, "-keyout", key(name), "-out", folder_ + "/request"});
        openssl({"ca", "-batch", "-config", folder_ + "/config", "-extensions", "e", "-startdate",
                 "200101000000Z", "-enddate", end, "-cert", cert("ca"), "-keyfile", key("ca"),
                 "-in", folder_ + "/request", "-out", cert(name), "-notext"});
    }
    std::string cert(const std::string& name) const { return folder_ + "/" + name + ".pem"; }
    std::string key(const std::string& name) const { return folder_ + "/" + name + ".key"; }
    std::string write(const std::string& name, const std::string& content) const {
        std::ofstream(folder_ + "/" + name) << content;
        return folder_ + "/" + name;
    }

  private:
    static void openssl(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "openssl");
        const CommandResult result = run_command(arguments);
        if (result.status != 0) throw std::runtime_error("openssl: " + result.output);
    }
    std::string folder_;
};

class EtcdTlsTest : public testing::Test {
  protected:
    void SetUp() override { ::alarm(120); }
    void TearDown() override { ::alarm(0); }

    EtcdOptions options(const std::string& endpoint, EtcdTls tls) const {
        EtcdOptions options;
        options.endpoints = {"https://" + endpoint};
        options.tls = std::move(tls);
        options.open_deadline = 2s;
        return options;
    }
    static Error failure_of(const EtcdOptions& options) {
        runtime::SystemEntropy entropy;
        runtime::NoLog log;
        auto opened = EtcdBackend::open(options, entropy, log);
        if (opened) ADD_FAILURE() << "it was opened";
        return opened ? Error{} : opened.error();
    }

    Certificates certificates_;
};

TEST_F(EtcdTlsTest, AClientWithItsOwnCertificateIsLetIn) {
    certificates_.make("server");
    certificates_.make("client");
    EtcdCluster cluster({.fsync = false,
                         .cert = certificates_.cert("server"),
                         .key = certificates_.key("server"),
                         .ca = certificates_.cert("ca"),
                         .ctl_cert = certificates_.cert("client"),
                         .ctl_key = certificates_.key("client")});
    const EtcdTls mine{certificates_.cert("ca"), certificates_.cert("client"),
                       certificates_.key("client")};
    EtcdClient client(options(cluster.endpoint(0), mine));
    EXPECT_TRUE(std::holds_alternative<Applied>(client.put("a", "1")));

    const EtcdTls nothing_to_show{certificates_.cert("ca"), "", ""};
    const Error error = failure_of(options(cluster.endpoint(0), nothing_to_show));
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_THAT(error.message, HasSubstr("does it ask for a certificate of ours?"));
}

TEST_F(EtcdTlsTest, AnExpiredCertificateOfEtcdIsNamedAsTheReason) {
    certificates_.make("server", "210101000000Z");
    EtcdCluster cluster({.fsync = false,
                         .cert = certificates_.cert("server"),
                         .key = certificates_.key("server"),
                         .wait = false});
    const Error error =
        failure_of(options(cluster.endpoint(0), {certificates_.cert("ca"), "", ""}));
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_THAT(error.message, HasSubstr("certificate has expired"));
}

TEST_F(EtcdTlsTest, ACertificateOfAnAuthorityThatIsNotTrustedIsNamedAsTheReason) {
    Certificates others;
    certificates_.make("server");
    EtcdCluster cluster({.fsync = false,
                         .cert = certificates_.cert("server"),
                         .key = certificates_.key("server"),
                         .wait = false});
    const Error error = failure_of(options(cluster.endpoint(0), {others.cert("ca"), "", ""}));
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_THAT(error.message, HasSubstr("certificate is not accepted"));
}

TEST_F(EtcdTlsTest, AnEtcdInClearTextIsNamedAsTheReason) {
    EtcdCluster cluster({.fsync = false});
    const Error error =
        failure_of(options(cluster.endpoint(0), {certificates_.cert("ca"), "", ""}));
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_THAT(error.message, HasSubstr("seems to speak clear text"));
}

TEST_F(EtcdTlsTest, ClearTextToAnEtcdWithTlsIsNamedAsTheReason) {
    certificates_.make("server");
    EtcdCluster cluster({.fsync = false,
                         .cert = certificates_.cert("server"),
                         .key = certificates_.key("server"),
                         .wait = false});
    EtcdOptions plain;
    plain.endpoints = {cluster.endpoint(0)};
    plain.open_deadline = 2s;
    const Error error = failure_of(plain);
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_THAT(error.message, HasSubstr("seems to want TLS"));
}

TEST_F(EtcdTlsTest, FilesOfOurOwnAreCheckedBeforeAnythingIsTried) {
    certificates_.make("client");
    certificates_.make("other");
    certificates_.make("old", "210101000000Z");
    const std::string ca = certificates_.cert("ca");
    const std::string cert = certificates_.cert("client"), key = certificates_.key("client");
    const std::string nonsense = certificates_.write("nonsense", "nonsense");
    struct Case {
        EtcdTls tls;
        std::string field, says;
    };
    const Case cases[] = {
        {{"/nowhere", "", ""}, "etcd.tls.ca_file", "cannot read '/nowhere'"},
        {{nonsense, "", ""}, "etcd.tls.ca_file", "no certificate in PEM format"},
        {{ca, "/nowhere", key}, "etcd.tls.cert_file", "cannot read"},
        {{ca, nonsense, key}, "etcd.tls.cert_file", "no certificate in PEM format"},
        {{ca, cert, nonsense}, "etcd.tls.key_file", "no private key"},
        {{ca, cert, certificates_.key("other")}, "etcd.tls.key_file", "is not the key of"},
        {{ca, certificates_.cert("old"), certificates_.key("old")},
         "etcd.tls.cert_file",
         "has expired"},
        {{ca, cert, ""}, "etcd.tls", "go together"},
    };
    for (const Case& c : cases) {
        const Error error = failure_of(options("127.0.0.1:1", c.tls));
        EXPECT_EQ(error.kind, ErrorKind::invalid);
        EXPECT_EQ(error.field, c.field);
        EXPECT_THAT(error.message, HasSubstr(c.says));
    }
}

}  // namespace
}  // namespace khronos::store::etcd
