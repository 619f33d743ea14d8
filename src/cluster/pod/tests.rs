use serde_json::json;

use super::*;

#[test]
fn of_a_pod_its_identity_is_read_and_no_other_value() {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "d-0", "namespace": "harness", "labels": {"a": "b"},
            "annotations": {"eks.amazonaws.com/skip-containers": "proxy, other"},
            "creationTimestamp": "2026-01-02T03:04:05Z"},
        "spec": {"serviceAccountName": "delegate", "nodeName": "n",
            "containers": [{"name": "delegate", "image": "x",
                "env": [{"name": "DELEGATE_TOKEN", "value": "s3cret"},
                    {"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"name": "k"}}},
                    {"name": "AWS_ROLE_ARN", "value": "arn"},
                    {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/t/token"}],
                "volumeMounts": [{"name": "aws-iam-token", "mountPath": "/t/", "readOnly": true}]}],
            "volumes": [{"name": "other", "emptyDir": {}}, {"name": "aws-iam-token", "projected": {"sources": [
                {"serviceAccountToken": {"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}}]}}]},
    }))
    .unwrap();
    assert_eq!(pod.skipped, ["proxy", "other"]);
    assert_eq!(
        (pod.account.as_str(), pod.node.as_deref()),
        ("delegate", Some("n"))
    );
    let [container] = pod.containers.as_slice() else {
        panic!("{pod:?}");
    };
    assert!(container.has_keys && !container.has_pod_identity);
    assert_eq!(container.role, Some(Setting::Value("arn".to_owned())));
    let token = pod.token_at(container, "/t/token").unwrap();
    assert_eq!(token.audience, "sts.amazonaws.com");
    assert_eq!(pod.token_at(container, "/other/token"), None);
    assert!(!format!("{pod:?}").contains("s3cret"));
    let least: Pod = serde_json::from_value(json!({"spec": {"containers": null}})).unwrap();
    assert_eq!(least.account, "default");
}

#[test]
fn the_age_of_an_annotation_is_that_of_the_last_change_by_who_has_set_it() {
    let managed = |field: &str, time: &str| {
        json!({"manager": "m", "time": time, "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:annotations": {".": {}, field: {}}}}})
    };
    let account: Account = serde_json::from_value(json!({"metadata": {"name": "delegate",
        "annotations": {ROLE_ANNOTATION: "arn", "eks.amazon.com/role-arn": "x"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [managed("f:eks.amazonaws.com/role-arn", "2026-01-02T00:00:00Z"),
            managed("f:other", "2026-01-03T00:00:00Z")]}}))
    .unwrap();
    assert_eq!(account.role.as_deref(), Some("arn"));
    assert_eq!(account.misspelt.as_deref(), Some("eks.amazon.com/role-arn"));
    assert_eq!(account.annotated, "2026-01-02T00:00:00Z".parse().ok());
}

#[test]
fn names_and_labels_are_what_kubernetes_accepts() {
    for good in ["a", "newdel-5d8f-x2x", "a.b", "0"] {
        assert!(good.parse::<PodName>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "-a",
        "a-",
        "A",
        "a/b",
        "a..b",
        "pods?x=",
        "../x",
        &"a".repeat(254),
    ] {
        assert!(bad.parse::<PodName>().is_err(), "{bad}");
    }
    for good in ["infra=fargate", "harness.io/name=Del_1", "a="] {
        assert!(good.parse::<Label>().is_ok(), "{good}");
    }
    for bad in ["infra", "=x", "a=b c", "/a=b", "a/b/c=d", "a=-b"] {
        assert!(bad.parse::<Label>().is_err(), "{bad}");
    }
}
